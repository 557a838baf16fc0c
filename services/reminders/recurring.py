"""When a reminder that repeats comes next."""

from __future__ import annotations

import asyncio
from datetime import datetime

from services.reminders.reminder import Reminder


async def following_of(
    reminder: Reminder, now: datetime, *, told: datetime | None = None
) -> datetime | None:
    """Return its next moment after ``told`` and ``now``; ``None`` when there is none.

    ``told`` is the moment that was told last, by default the reminder's own. What was missed
    meanwhile is not made up for, and a clock set back repeats nothing.
    """
    if reminder.rrule is None:
        return None
    after = max(now, told or reminder.due_at)
    return await asyncio.to_thread(_following, reminder, reminder.rrule, after)


def _following(reminder: Reminder, rrule: str, after: datetime) -> datetime | None:
    from services.reminders.when import next_occurrence  # noqa: PLC0415  dateutil is slow to load

    return next_occurrence(rrule, after=after, zone=reminder.zone, start=reminder.starts_at)
