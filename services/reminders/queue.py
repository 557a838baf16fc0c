"""What is due: found lane by lane, claimed before it is delivered, and marked afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from services.reminders.reminder import Reminder, State
from services.reminders.repository import platform_of, reminder_of
from services.reminders.tables import reminders

_row = reminders.c


def due_lanes(
    connection: Connection, platforms: Collection[str], *, now: datetime, after: str, limit: int
) -> list[str]:
    """Return up to ``limit`` lanes in which something is due, those that follow ``after`` first."""
    wanted = _waiting(platforms) & (_row.wake_at <= now)
    lanes = select(_row.lane).distinct().order_by(_row.lane).limit(limit)
    found = list(connection.scalars(lanes.where(wanted, _row.lane > after)))
    if len(found) < limit and after:
        found += connection.scalars(lanes.where(wanted, _row.lane <= after))
    return found[:limit]


def next_wake(
    connection: Connection, platforms: Collection[str], *, busy: Collection[str]
) -> datetime | None:
    """Return when something is to be tried next outside the ``busy`` lanes."""
    waiting = _waiting(platforms) & _row.lane.not_in(busy)
    found: datetime | None = connection.scalar(select(func.min(_row.wake_at)).where(waiting))
    return found


def first_due(connection: Connection, lane: str, *, now: datetime) -> Reminder | None:
    """Return what has waited longest in a lane, if anything there is due."""
    wanted = _waiting([platform_of(lane)]) & (_row.lane == lane) & (_row.wake_at <= now)
    query = select(reminders).where(wanted)
    row = connection.execute(query.order_by(_row.wake_at, _row.id).limit(1)).mappings().first()
    return None if row is None else reminder_of(row)


def claim(connection: Connection, reminder: Reminder, *, now: datetime, lease: datetime) -> bool:
    """Note that the delivery of ``reminder`` begins, before it does.

    False when it was changed or cancelled since it was read. Should the process die, the next one
    finds it marked as possibly seen; should only the delivery be lost, it is due again at
    ``lease``.
    """
    changed = connection.execute(
        update(reminders)
        .where(same(reminder))
        .values(
            attempts=reminder.attempts + 1,
            uncertain=True,
            tried_at=func.coalesce(_row.tried_at, now),
            wake_at=lease,
        )
    )
    return bool(changed.rowcount)


def mark(
    connection: Connection, reminder: Reminder, values: Mapping[str, object], *, attempts: int
) -> bool:
    """Store how a delivery went; False when its person has changed the reminder meanwhile."""
    known = same(reminder, attempts=attempts)
    return bool(connection.execute(update(reminders).where(known).values(**values)).rowcount)


def release(connection: Connection, *, now: datetime, latest: datetime) -> int:
    """Make due what a process that ended was delivering, and what a clock put off too far.

    No delivery that was begun waits longer than until ``latest``.
    """
    stuck = and_(_row.state == State.OPEN.value, _row.attempts > 0, _row.wake_at > latest)
    return connection.execute(update(reminders).where(stuck).values(wake_at=now)).rowcount


def resume(connection: Connection, *, now: datetime) -> int:
    """Make due at once everything whose delivery was begun; only before any delivery runs."""
    begun = and_(_row.state == State.OPEN.value, _row.attempts > 0, _row.uncertain)
    return connection.execute(update(reminders).where(begun).values(wake_at=now)).rowcount


def newest_telling(connection: Connection) -> datetime | None:
    """Return when a reminder was told last."""
    found: datetime | None = connection.scalar(select(func.max(_row.shown_at)))
    return found


def repeating(connection: Connection, *, after: str, limit: int) -> list[Reminder]:
    """Return reminders that repeat and were told already, by id, those after the id ``after``."""
    waiting = and_(
        _row.state == State.OPEN.value,
        _row.rrule.is_not(None),
        _row.last_due.is_not(None),
        _row.attempts == 0,
    )
    query = select(reminders).where(waiting, _row.id > after).order_by(_row.id).limit(limit)
    return [reminder_of(row) for row in connection.execute(query).mappings()]


def move(connection: Connection, reminder: Reminder, due: datetime) -> int:
    """Give a reminder another moment, unless it was changed since it was read; count it."""
    changed = update(reminders).where(same(reminder)).values(due_at=due, wake_at=due)
    return connection.execute(changed).rowcount


def same(reminder: Reminder, *, attempts: int | None = None) -> ColumnElement[bool]:
    """Return the condition that a delivery is still the one that was read."""
    return and_(
        _row.id == reminder.id,
        _row.state == State.OPEN.value,
        _row.occurrence == reminder.occurrence,
        _row.due_at == reminder.due_at,
        _row.text == reminder.text,
        _row.moved == reminder.moved,
        _row.attempts == (reminder.attempts if attempts is None else attempts),
    )


def _waiting(platforms: Collection[str]) -> ColumnElement[bool]:
    return and_(_row.platform.in_(sorted(platforms)), _row.state == State.OPEN.value)
