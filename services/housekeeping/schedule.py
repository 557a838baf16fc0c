"""When the nightly work is due, and how far the clock is believed."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(days=3)
_SHORTEST_NIGHT = timedelta(hours=12)
_A_DAY = timedelta(days=1)
_NIGHTS_TO_BELIEVE = 7


class Diary(BaseModel):
    """When the last round was, by the clock, and the time that ages were computed against.

    ``doubts`` is how many more regular nights it takes until the clock is believed again.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    ran_at: AwareDatetime
    as_of: AwareDatetime
    doubts: int = Field(0, ge=0)


def last_due(now: datetime, hour: int, zone: tzinfo | None = None) -> datetime:
    """Return the latest moment up to ``now`` at which it was ``hour`` o'clock, in UTC.

    ``zone`` is the machine's own when ``None``. An hour that a clock change skips counts when it
    would have been, and of one that comes twice the first counts.
    """
    today = now.astimezone(zone).date()
    for day in (today, today - _A_DAY):
        due = datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
        if due <= now:
            return due
    return due - _A_DAY


def is_due(diary: Diary, now: datetime, hour: int, zone: tzinfo | None = None) -> bool:
    """Tell whether the hour has passed since the last round, also while the machine was off."""
    return diary.ran_at < last_due(now, hour, zone)


def next_entry(diary: Diary, now: datetime) -> Diary:
    """Return the diary for a round that begins ``now``.

    Ages are computed against the clock. When it has jumped, which looks the same as a pause of
    more than three days, they go on from where they were, a day per round at most, until seven
    regular nights have passed: then the clock is right.
    """
    passed = now - diary.ran_at
    doubts = diary.doubts
    if not timedelta() <= passed <= _LONGEST_PAUSE:
        doubts = _NIGHTS_TO_BELIEVE
    elif passed >= _SHORTEST_NIGHT:
        doubts = max(0, doubts - 1)
    as_of = now
    if doubts:
        as_of = min(now, diary.as_of + min(max(passed, timedelta()), _A_DAY))
    return Diary(ran_at=now, as_of=as_of, doubts=doubts)


def opened(diary: Diary | None, now: datetime) -> Diary:
    """Return what counts ``now``: nothing is due before the next night without a diary.

    The same holds when the last round seems to lie in the future, and then the clock is doubted.
    """
    if diary is None:
        return Diary(ran_at=now, as_of=now)
    if diary.ran_at > now:
        return Diary(ran_at=now, as_of=min(now, diary.as_of), doubts=_NIGHTS_TO_BELIEVE)
    return diary


def read_diary(path: Path) -> Diary | None:
    """Return the diary kept in ``path``, ``None`` without a readable one; blocks."""
    try:
        return Diary.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        logger.warning("the housekeeping diary is unreadable and begun anew")
        return None


def keep_diary(path: Path, diary: Diary) -> None:
    """Write the diary, all of it or nothing; blocks. A disk that refuses is logged."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(diary.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        logger.warning("the housekeeping diary was not kept", extra={"reason": str(error)})
