"""Which backups have had their time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

LONGEST = timedelta(days=30)

_AHEAD = timedelta(days=1)


def outdated(
    backups: Mapping[Path, datetime],
    *,
    now: datetime,
    daily: int,
    weekly: int,
    zone: tzinfo | None = None,
) -> list[Path]:
    """Return the backups to delete, oldest first.

    Kept are the last backup of each of the ``daily`` newest days that have one, and beyond those
    the last of each of the ``weekly`` newest weeks (from Monday), as long as they are not older
    than 30 days; days are those of ``zone``, the machine's own when ``None``. The newest always
    stays. A backup that seems to come from the future stays too and takes nobody's place.
    """
    known = {path: at for path, at in backups.items() if at <= now + _AHEAD}
    newest_first = sorted(known, key=lambda path: (known[path], path.name), reverse=True)
    if not newest_first:
        return []
    last_of_day: dict[object, Path] = {}
    for path in newest_first:
        last_of_day.setdefault(known[path].astimezone(zone).date(), path)
    days = list(last_of_day.values())
    last_of_week: dict[object, Path] = {}
    for path in days[daily:]:
        last_of_week.setdefault(known[path].astimezone(zone).isocalendar()[:2], path)
    kept = {newest_first[0]}
    for path in (*days[:daily], *list(last_of_week.values())[:weekly]):
        if known[path] >= now - LONGEST:
            kept.add(path)
    return [path for path in reversed(newest_first) if path not in kept]
