"""What a clock that was set back makes of reminders."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.reminders import queue
from services.reminders.recurring import following_of
from services.storage.database import Database

_PAGE = 200


async def went_back(database: Database, now: datetime) -> bool:
    """Tell whether something was told at a moment that is still to come."""
    async with database.reader() as snapshot:
        newest = await snapshot.run(queue.newest_telling)
    return newest is not None and newest > now


async def undo_the_future(database: Database, *, now: datetime, longest: timedelta) -> int:
    """Let nothing wait for a moment that only a wrong clock knew; return how much that changed.

    Retries wait for ``longest`` at most, and what repeats comes next after ``now`` and after the
    last occurrence that was told, so that none is told twice.
    """
    async with database.steps() as tx:
        changed = await tx.run(queue.release, now=now, latest=now + longest)
    after = ""
    while True:
        async with database.reader() as snapshot:
            page = await snapshot.run(queue.repeating, after=after, limit=_PAGE)
        for reminder in page:
            told = reminder.last_due or reminder.starts_at
            due = await following_of(reminder, now, told=told)
            if due is not None and due < reminder.due_at:
                async with database.steps() as tx:
                    changed += await tx.run(queue.move, reminder, due)
        if len(page) < _PAGE:
            return changed
        after = page[-1].id
