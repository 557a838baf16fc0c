"""The messages a learner reads, and the notes of what it has read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    String,
    and_,
    delete,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.ids import ConversationId, MessageId, PersonaId, PersonId
from services.domain.messages import Source, Visibility
from services.domain.people import AuthorKind
from services.memory.learning.echoes import Earlier
from services.memory.scope import learning_refused
from services.storage.tables import accounts, lessons, messages, roster_members, turns

VERSION = 1
"""Raised when the rules change so much that every message should be read again."""
FINAL = 2**31 - 1
"""The version of a lesson that is never taken again, whatever changes."""

_REMEMBERED = 12
_NEAR = 40
_SOURCES = (Source.NATIVE.value, Source.IMPORTED.value)
_RULES, _MODEL = "rules", "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A person's message as a learner reads it.

    ``willing`` says whether its writer wants to teach, ``personas`` heard it, ``others`` are the
    names of those who also speak there, and ``known`` those among them who are persons.
    """

    id: MessageId
    conversation: ConversationId
    ordinal: int
    teller: str
    person: PersonId | None
    text: str
    said_at: datetime
    native: bool
    shared: bool
    willing: bool
    personas: tuple[PersonaId, ...]
    others: tuple[str, ...]
    known: dict[str, PersonId]
    earlier: Earlier


_HUMAN = (
    messages.c.author_kind == AuthorKind.HUMAN.value,
    messages.c.source.in_(_SOURCES),
    messages.c.deleted_at.is_(None),
    messages.c.active,
    messages.c.visibility != Visibility.HIDDEN.value,
)
_UNREAD = (
    select(messages.c.id)
    .outerjoin(lessons, lessons.c.message_id == messages.c.id)
    .where(*_HUMAN, func.coalesce(lessons.c.version, 0) < VERSION)
    .order_by(messages.c.conversation_id, messages.c.ordinal)
)
_UNTHOUGHT = (
    select(messages.c.id)
    .join(lessons, lessons.c.message_id == messages.c.id)
    .where(
        *_HUMAN,
        lessons.c.outcome.startswith(_RULES),
        lessons.c.version < FINAL,
        ~learning_refused(messages.c.person_id),
    )
    .order_by(messages.c.conversation_id.desc(), messages.c.ordinal.desc())
)
_NO_LONGER = (
    select(lessons.c.message_id)
    .outerjoin(messages, messages.c.id == lessons.c.message_id)
    .where(
        (lessons.c.version < FINAL)
        & (
            messages.c.id.is_(None)
            | messages.c.deleted_at.is_not(None)
            | ~messages.c.active
            | (messages.c.edited_at > lessons.c.learned_at)
        )
    )
)


def unread(connection: Connection, *, limit: int) -> list[str]:
    """Return people's messages nothing was learnt from yet, by conversation, oldest first."""
    return list(connection.execute(_UNREAD.limit(limit)).scalars())


def unthought(connection: Connection, *, limit: int) -> list[str]:
    """Return messages that only the rules have read, of one conversation, the newest first."""
    return list(connection.execute(_UNTHOUGHT.limit(limit)).scalars())


def no_longer_said(connection: Connection) -> list[str]:
    """Return messages with a lesson that were removed, undone or edited since."""
    return list(connection.execute(_NO_LONGER).scalars())


def read_message(connection: Connection, message: str) -> Spoken | None:
    """Return a message to learn from; ``None`` for one that is not a person's, gone or read."""
    query = (
        select(messages)
        .outerjoin(lessons, lessons.c.message_id == messages.c.id)
        .where(messages.c.id == message, *_HUMAN, func.coalesce(lessons.c.version, 0) < VERSION)
    )
    return _read(connection, query)


def reread_message(connection: Connection, message: str) -> Spoken | None:
    """Return a message that may have been read; ``None`` when it is gone, undone or closed."""
    query = (
        select(messages)
        .outerjoin(lessons, lessons.c.message_id == messages.c.id)
        .where(messages.c.id == message, *_HUMAN, func.coalesce(lessons.c.version, 0) < FINAL)
    )
    return _read(connection, query)


def burst_before(connection: Connection, trigger: str) -> list[Spoken]:
    """Return the people's messages a turn answered: those since a character last spoke."""
    found = connection.execute(
        select(messages.c.conversation_id, messages.c.ordinal).where(messages.c.id == trigger)
    ).one_or_none()
    if found is None:
        return []
    query = (
        select(messages.c.id, messages.c.author_kind)
        .where(
            messages.c.conversation_id == found.conversation_id,
            messages.c.ordinal <= found.ordinal,
            messages.c.active,
        )
        .order_by(messages.c.ordinal.desc())
        .limit(_REMEMBERED)
    )
    burst: list[Spoken] = []
    for row in connection.execute(query):
        if row.author_kind != AuthorKind.HUMAN.value:
            break
        spoken = reread_message(connection, row.id)
        if spoken is not None:
            burst.append(spoken)
    return burst[::-1]


def note_lesson(
    connection: Connection, message: str, outcome: str, *, at: datetime, by_model: bool = False
) -> None:
    """Note that a message was read, and what came of it."""
    values = {
        "version": VERSION,
        "outcome": f"{_MODEL if by_model else _RULES}:{outcome}",
        "learned_at": at,
    }
    connection.execute(
        upsert(lessons)
        .values(message_id=message, **values)
        .on_conflict_do_update(index_elements=["message_id"], set_=values)
    )


def forget_lessons(connection: Connection, ids: Sequence[str]) -> None:
    """Let messages be read again, should they still be there and not be closed."""
    for start in range(0, len(ids), 400):
        part = ids[start : start + 400]
        read = and_(lessons.c.message_id.in_(part), lessons.c.version < FINAL)
        connection.execute(delete(lessons).where(read))


def close_lessons(
    connection: Connection, ids: Sequence[str], outcome: str, *, at: datetime
) -> None:
    """Let messages never teach anything again."""
    values = {"version": FINAL, "outcome": outcome, "learned_at": at}
    for message in ids:
        connection.execute(
            upsert(lessons)
            .values(message_id=message, **values)
            .on_conflict_do_update(index_elements=["message_id"], set_=values)
        )


def messages_saying(connection: Connection, person: str, value: str) -> list[str]:
    """Return what a person wrote that holds ``value``, whatever its case."""
    said = func.lower(func.coalesce(messages.c.heard, messages.c.written))
    query = select(messages.c.id).where(
        messages.c.person_id == person,
        messages.c.deleted_at.is_(None),
        func.instr(said, value.lower()) > 0,
    )
    return list(connection.execute(query).scalars())


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> Spoken | None:
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    near = _near(connection, row)
    said_before = [
        each["heard"] or each["written"]
        for each in near
        if each["author_kind"] != AuthorKind.HUMAN.value and each["ordinal"] < row["ordinal"]
    ]
    people = {
        each["author_name"]: PersonId(each["person_id"])
        for each in near
        if each["author_kind"] == AuthorKind.HUMAN.value and each["person_id"] is not None
    }
    people |= _present(connection, row)
    unwilling = select(learning_refused(literal(row["person_id"], String)))
    names = dict.fromkeys((*(each["author_name"] for each in near), *people))
    return Spoken(
        id=MessageId(row["id"]),
        conversation=ConversationId.parse(row["conversation_id"]),
        ordinal=row["ordinal"],
        teller=row["author_name"],
        person=row["person_id"],
        text=row["heard"] or row["written"],
        said_at=row["created_at"],
        native=row["source"] == Source.NATIVE.value,
        shared=row["visibility"] == Visibility.SHARED.value,
        willing=not connection.execute(unwilling).scalar_one(),
        personas=_personas(connection, row),
        others=tuple(name for name in names if name != row["author_name"]),
        known=people,
        earlier=Earlier(said_before[:_REMEMBERED]),
    )


def _near(connection: Connection, row: RowMapping) -> Sequence[RowMapping]:
    """Return the messages around one, the latest before it first."""
    query = (
        select(
            messages.c.ordinal,
            messages.c.author_kind,
            messages.c.author_name,
            messages.c.person_id,
            messages.c.written,
            messages.c.heard,
        )
        .where(
            messages.c.conversation_id == row["conversation_id"],
            messages.c.ordinal < row["ordinal"],
            messages.c.deleted_at.is_(None),
        )
        .order_by(messages.c.ordinal.desc())
        .limit(_NEAR)
    )
    return connection.execute(query).mappings().all()


def _present(connection: Connection, row: RowMapping) -> dict[str, PersonId]:
    """Return the persons among a message's witnesses by name."""
    if row["roster_id"] is None:
        return {}
    account = accounts.c.platform + ":" + accounts.c.user
    query = (
        select(accounts.c.display_name, accounts.c.person_id)
        .join(roster_members, roster_members.c.member == account)
        .where(
            roster_members.c.roster_id == row["roster_id"],
            roster_members.c.kind == "account",
            accounts.c.kind == AuthorKind.HUMAN.value,
        )
    )
    return {each.display_name: PersonId(each.person_id) for each in connection.execute(query)}


def _personas(connection: Connection, row: RowMapping) -> tuple[PersonaId, ...]:
    """Return who learns from a message: its witnesses, else who answered, else who spoke there."""
    if row["roster_id"] is not None:
        present = connection.execute(
            select(roster_members.c.member)
            .where(
                roster_members.c.roster_id == row["roster_id"], roster_members.c.kind == "persona"
            )
            .order_by(roster_members.c.member)
        ).scalars()
        if found := tuple(PersonaId(each) for each in present):
            return found
    answered = connection.execute(
        select(turns.c.persona_id).where(turns.c.trigger_message_id == row["id"]).distinct()
    ).scalars()
    if found := tuple(PersonaId(each) for each in answered):
        return found
    here = messages.c.conversation_id == row["conversation_id"]
    spoke = (
        select(messages.c.persona_id)
        .where(here, messages.c.persona_id.is_not(None), messages.c.deleted_at.is_(None))
        .order_by(func.abs(messages.c.ordinal - row["ordinal"]))
        .limit(1)
    )
    nearest = connection.execute(spoke).scalar_one_or_none()
    if nearest is None:
        last = select(turns.c.persona_id).where(turns.c.conversation_id == row["conversation_id"])
        nearest = connection.execute(last.order_by(turns.c.id.desc()).limit(1)).scalar_one_or_none()
    return () if nearest is None else (PersonaId(nearest),)
