"""The rows of reminders as their people see them, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from services.domain.errors import NotFound, Refused
from services.domain.ids import AuthorId, ConversationId, PersonaId
from services.reminders.reminder import MOST_OPEN, Reminder, State, Target
from services.reminders.tables import reminders
from services.storage.tables import accounts

_KEPT_SHOWN = 50

_row = reminders.c


def owners_of(connection: Connection, account: AuthorId) -> list[str]:
    """Return the accounts of whoever has ``account``, that one first."""
    one = (accounts.c.platform == account.platform) & (accounts.c.user == account.user)
    person = select(accounts.c.person_id).where(one).scalar_subquery()
    found = connection.execute(
        select(accounts.c.platform, accounts.c.user).where(accounts.c.person_id == person)
    )
    return list(dict.fromkeys([str(account), *(str(AuthorId(*each)) for each in found)]))


def add(connection: Connection, reminder: Reminder) -> Reminder:
    """Store a new reminder and return it with its number; ``Refused`` when there are too many.

    Of those told long ago only the newest of the person stay.
    """
    owners = owners_of(connection, reminder.owner)
    mine = _row.owner.in_(owners)
    waiting = connection.scalar(
        select(func.count()).where(mine, _row.state != State.SHOWN.value).select_from(reminders)
    )
    if (waiting or 0) >= MOST_OPEN:
        raise Refused(
            "reminders_full",
            f"You have {MOST_OPEN} reminders, which is the most; cancel some of them first.",
        )
    shown = select(_row.id).where(mine, _row.state == State.SHOWN.value)
    kept = shown.order_by(_row.shown_at.desc()).limit(_KEPT_SHOWN)
    connection.execute(
        delete(reminders).where(mine, _row.state == State.SHOWN.value, _row.id.not_in(kept))
    )
    highest = connection.scalar(select(func.max(_row.number)).where(mine))
    numbered = replace(reminder, number=(highest or 0) + 1)
    connection.execute(insert(reminders).values(**values_of(numbered)))
    return numbered


def of_person(connection: Connection, account: AuthorId) -> list[Reminder]:
    """Return what a person has still to be told, what failed last; by moment."""
    rows = connection.execute(
        _all()
        .where(_row.owner.in_(owners_of(connection, account)), _row.state != State.SHOWN.value)
        .order_by(_row.state, _row.due_at, _row.number)
    )
    return [_reminder(row) for row in rows.mappings()]


def numbered(connection: Connection, account: AuthorId, number: int) -> Reminder:
    """Return a person's reminder by its number; raises ``NotFound``."""
    owners = owners_of(connection, account)
    query = _all().where(_row.owner.in_(owners), _row.number == number)
    found = [_reminder(row) for row in connection.execute(query).mappings()]
    found.sort(key=lambda one: one.owner != account)
    if not found:
        raise NotFound("reminder_unknown", f"You have no reminder number {number}.")
    return found[0]


def by_id(connection: Connection, account: AuthorId, identity: str) -> Reminder:
    """Return a person's reminder by its id; raises ``NotFound``, also for somebody else's."""
    query = _all().where(_row.id == identity, _row.owner.in_(owners_of(connection, account)))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("reminder_unknown", "You have no such reminder any more.")
    return _reminder(row)


def put(connection: Connection, reminder: Reminder) -> None:
    """Store what a person changed; its delivery begins afresh at its moment."""
    connection.execute(
        update(reminders).where(_row.id == reminder.id).values(**values_of(reminder))
    )


def settle(connection: Connection, identity: str, occurrence: int) -> None:
    """Note that a person has dealt with an occurrence of what repeats."""
    connection.execute(update(reminders).where(_row.id == identity).values(settled=occurrence))


def remove(connection: Connection, identities: Sequence[str]) -> int:
    """Delete reminders and return how many there were."""
    return connection.execute(delete(reminders).where(_row.id.in_(identities))).rowcount


def clear(connection: Connection, account: AuthorId) -> int:
    """Delete every reminder of a person, and return how many were still to be told."""
    mine = _row.owner.in_(owners_of(connection, account))
    connection.execute(delete(reminders).where(mine, _row.state == State.SHOWN.value))
    return connection.execute(delete(reminders).where(mine)).rowcount


def reminder_of(row: RowMapping) -> Reminder:
    """Return the reminder that a row holds."""
    return _reminder(row)


def lane_of(reminder: Reminder) -> str:
    """Return where the next delivery goes; those of one lane are made one after the other."""
    if reminder.private:
        return f"to {reminder.owner}"
    return f"in {reminder.conversation}"


def values_of(reminder: Reminder) -> Mapping[str, object]:
    """Return the row of a reminder that waits for its moment."""
    return {
        "id": reminder.id,
        "number": reminder.number,
        "owner": str(reminder.owner),
        "platform": platform_of(lane_of(reminder)),
        "conversation_id": str(reminder.conversation),
        "persona_id": reminder.persona,
        "text": reminder.text,
        "due_at": reminder.due_at,
        "starts_at": reminder.starts_at,
        "rrule": reminder.rrule,
        "timezone": reminder.timezone,
        "target": reminder.target.value,
        "state": reminder.state.value,
        "occurrence": reminder.occurrence,
        "settled": reminder.settled,
        "lane": lane_of(reminder),
        "wake_at": reminder.due_at,
        "attempts": reminder.attempts,
        "moved": reminder.moved,
        "uncertain": reminder.uncertain,
        "tried_at": reminder.tried_at,
        "missed": reminder.missed,
        "last_due": reminder.last_due,
        "created_at": reminder.created_at,
    }


def platform_of(lane: str) -> str:
    """Return the platform a lane is on."""
    return lane.partition(" ")[2].partition(":")[0]


def _all() -> Select[Any]:
    return select(reminders)


def _reminder(row: RowMapping) -> Reminder:
    persona = row["persona_id"]
    return Reminder(
        id=row["id"],
        number=row["number"],
        owner=AuthorId.parse(row["owner"]),
        conversation=ConversationId.parse(row["conversation_id"]),
        persona=None if persona is None else PersonaId(persona),
        text=row["text"],
        due_at=row["due_at"],
        starts_at=row["starts_at"],
        rrule=row["rrule"],
        timezone=row["timezone"],
        target=Target(row["target"]),
        state=State(row["state"]),
        occurrence=row["occurrence"],
        settled=row["settled"],
        attempts=row["attempts"],
        moved=row["moved"],
        uncertain=row["uncertain"],
        tried_at=row["tried_at"],
        missed=row["missed"],
        last_due=row["last_due"],
        created_at=row["created_at"],
    )
