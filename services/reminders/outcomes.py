"""What a delivery's outcome makes of a reminder: told, tried again, moved, or kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.reminders.posts import Posting
from services.reminders.reminder import Reminder, State
from services.reminders.repository import lane_of, platform_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patiently deliveries are tried.

    ``pauses`` are those between tries in one place, in seconds: after the last one the reminder
    moves to its person's private channel, and from there to those that could not be delivered.
    ``absent`` is the pause where nobody is there, ``lease`` how long one delivery may take.
    """

    pauses: tuple[float, ...] = (10.0, 60.0, 300.0, 900.0)
    absent: float = 30.0
    lease: float = 120.0

    @property
    def longest(self) -> timedelta:
        """The longest that anything once begun waits."""
        return timedelta(seconds=max(*self.pauses, self.absent, self.lease))


def outcome(
    before: Reminder, posting: Posting, *, now: datetime, following: datetime | None, pace: Pace
) -> Mapping[str, object]:
    """Return what changes in the row of ``before``, which was claimed once more since.

    ``following`` is the moment of its next occurrence, if it has one.
    """
    tries = before.attempts + 1
    match posting:
        case Posting.POSTED:
            return _passed(before, now=now, following=following, missed=0)
        case Posting.ABSENT:
            again = now + timedelta(seconds=pace.absent)
            return {
                "attempts": before.attempts,
                "uncertain": before.uncertain,
                "tried_at": before.tried_at,
                "wake_at": again,
            }
        case Posting.FAILED | Posting.UNCERTAIN if tries <= len(pace.pauses):
            return {
                "uncertain": before.uncertain or posting is Posting.UNCERTAIN,
                "wake_at": now + timedelta(seconds=pace.pauses[tries - 1]),
            }
    uncertain = before.uncertain or posting is Posting.UNCERTAIN
    if not before.private:
        return {**_lane(replace(before, moved=True)), **_afresh(now), "uncertain": uncertain}
    if following is None:
        return {"state": State.UNDELIVERED.value, "uncertain": uncertain}
    return _passed(before, now=now, following=following, missed=before.missed + 1)


def _passed(
    before: Reminder, *, now: datetime, following: datetime | None, missed: int
) -> Mapping[str, object]:
    shown = {"shown_at": now} if not missed else {}
    if following is None:
        return {"state": State.SHOWN.value, "uncertain": False, **shown}
    return {
        **_lane(replace(before, moved=False)),
        **_afresh(following),
        "due_at": following,
        "occurrence": before.occurrence + 1,
        "uncertain": False,
        "tried_at": None,
        "missed": missed,
        "last_due": before.due_at,
        **shown,
    }


def _afresh(wake: datetime) -> Mapping[str, object]:
    return {"attempts": 0, "wake_at": wake}


def _lane(reminder: Reminder) -> Mapping[str, object]:
    lane = lane_of(reminder)
    return {"moved": reminder.moved, "lane": lane, "platform": platform_of(lane)}
