"""What is remembered of one person, as that person may see it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, insert, or_, select, text

from services.domain.ids import AuthorId, PersonId
from services.domain.people import AuthorKind
from services.storage.tables import accounts, affections, facts, messages, people, summaries

_WORD = re.compile(r"\w+")
_MOST_WORDS = 12
_MATCHING = text(
    "SELECT recollections.ref FROM recollection_words "
    "JOIN recollections ON recollections.id = recollection_words.rowid "
    "WHERE recollection_words MATCH :words AND recollections.kind = 'turn' "
    "AND recollections.person_id = :person ORDER BY recollections.ref DESC LIMIT :limit"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactView:
    """Something the person told; ``standing`` until it was contradicted or corrected."""

    id: str
    about: str
    kind: str
    slot: str
    value: str
    text: str
    quote: str
    confidence: float
    origin: str
    pinned: bool
    hearsay: bool
    conversation: str | None
    message: str | None
    since: datetime
    until: datetime | None

    @property
    def standing(self) -> bool:
        """Whether it counts as true now."""
        return self.until is None

    def as_json(self) -> dict[str, object]:
        """Return the fact as JSON values."""
        return {
            "id": self.id,
            "about": self.about,
            "kind": self.kind,
            "slot": self.slot,
            "value": self.value,
            "text": self.text,
            "quote": self.quote,
            "confidence": self.confidence,
            "origin": self.origin,
            "pinned": self.pinned,
            "hearsay": self.hearsay,
            "source": {"conversation": self.conversation, "message": self.message},
            "valid_from": self.since.isoformat(),
            "valid_to": None if self.until is None else self.until.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A message the person wrote."""

    id: str
    conversation: str
    ordinal: int
    text: str
    said_at: datetime
    source: str

    def as_json(self) -> dict[str, object]:
        """Return the message as JSON values."""
        return {
            "id": self.id,
            "conversation": self.conversation,
            "number": self.ordinal,
            "text": self.text,
            "said_at": self.said_at.isoformat(),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Affection:
    """How a character feels about the person, 0 to 100."""

    persona: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How much is remembered; ``told_by_others`` are facts about the person from other people."""

    messages: int
    facts: int
    past_facts: int
    told_by_others: int
    summaries: int
    affections: Sequence[Affection]

    def as_json(self) -> dict[str, object]:
        """Return the numbers as JSON values."""
        return {
            "messages": self.messages,
            "facts": self.facts,
            "past_facts": self.past_facts,
            "told_by_others": self.told_by_others,
            "summaries": self.summaries,
            "affections": {one.persona: one.value for one in self.affections},
        }


def person_of(connection: Connection, account: AuthorId) -> PersonId | None:
    """Return whose account it is."""
    found = connection.execute(
        select(accounts.c.person_id).where(
            accounts.c.platform == account.platform, accounts.c.user == account.user
        )
    ).scalar_one_or_none()
    return None if found is None else PersonId(found)


def add_person(
    connection: Connection, account: AuthorId, person: PersonId, *, at: datetime
) -> None:
    """Store who an account belongs to, by its id alone, unless that is known."""
    if person_of(connection, account) is not None:
        return
    name = account.user
    connection.execute(insert(people).values(id=person, display_name=name, created_at=at))
    connection.execute(
        insert(accounts).values(
            platform=account.platform,
            user=account.user,
            person_id=person,
            display_name=name,
            kind=AuthorKind.HUMAN.value,
            linked_at=at,
        )
    )


def overview(connection: Connection, person: PersonId) -> Overview:
    """Count what there is."""

    def count(table: Table, *conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(*conditions)
        return int(connection.execute(query).scalar_one())

    spoken = select(messages.c.conversation_id).where(_written_by(person)).distinct()
    found = connection.execute(
        select(affections.c.persona_id, affections.c.value)
        .where(affections.c.person_id == person)
        .order_by(affections.c.persona_id)
    )
    return Overview(
        messages=count(messages, _written_by(person)),
        facts=count(facts, told_by(person), facts.c.valid_to.is_(None)),
        past_facts=count(facts, told_by(person), facts.c.valid_to.is_not(None)),
        told_by_others=count(facts, told_about(person)),
        summaries=count(summaries, summaries.c.conversation_id.in_(spoken)),
        affections=[Affection(persona=row[0], value=row[1]) for row in found],
    )


def facts_told(
    connection: Connection, person: PersonId, *, past: bool = False, limit: int = 1000
) -> list[FactView]:
    """Return what the person told, pinned first, then the newest."""
    query = (
        select(facts)
        .where(told_by(person))
        .order_by(facts.c.pinned.desc(), facts.c.valid_from.desc(), facts.c.id.desc())
        .limit(limit)
    )
    if not past:
        query = query.where(facts.c.valid_to.is_(None))
    return [fact_view(row) for row in connection.execute(query).mappings()]


def fact_of(connection: Connection, person: PersonId, fact: str) -> FactView | None:
    """Return one fact the person told."""
    row = connection.execute(select(facts).where(told_by(person), facts.c.id == fact))
    found = row.mappings().one_or_none()
    return None if found is None else fact_view(found)


def turns_of(
    connection: Connection, person: PersonId, *, after: str = "", limit: int = 500
) -> list[TurnView]:
    """Return the person's next messages, oldest first."""
    rows = connection.execute(
        select(messages)
        .where(_written_by(person), messages.c.id > after)
        .order_by(messages.c.id)
        .limit(limit)
    ).mappings()
    return [_turn(row) for row in rows]


def matching_turns(
    connection: Connection, person: PersonId, query: str, *, limit: int
) -> list[TurnView]:
    """Return the person's messages with all the words of ``query``, the newest first."""
    words = _WORD.findall(query)[:_MOST_WORDS]
    if not words:
        return []
    asked = " ".join(f'"{word}"' for word in words)
    found = connection.execute(_MATCHING, {"words": asked, "person": person, "limit": limit})
    indexed = list(found.scalars())
    holding = [func.instr(func.lower(_said()), word.lower()) > 0 for word in words]
    rows = connection.execute(
        select(messages)
        .where(_written_by(person), or_(messages.c.id.in_(indexed), and_(*holding)))
        .order_by(messages.c.id.desc())
        .limit(limit)
    ).mappings()
    return [_turn(row) for row in rows]


def matching_facts(
    connection: Connection, person: PersonId, query: str, *, limit: int
) -> list[FactView]:
    """Return the facts the person told that hold all the words of ``query``."""
    words = [word.lower() for word in _WORD.findall(query)[:_MOST_WORDS]]
    if not words:
        return []
    read = func.lower(facts.c.text + " " + facts.c.value + " " + facts.c.slot)
    rows = connection.execute(
        select(facts)
        .where(told_by(person), *(func.instr(read, word) > 0 for word in words))
        .order_by(facts.c.id.desc())
        .limit(limit)
    ).mappings()
    return [fact_view(row) for row in rows]


def profile_of(connection: Connection, person: PersonId) -> dict[str, object]:
    """Return who the person is, as JSON values."""
    row = connection.execute(select(people).where(people.c.id == person)).mappings().one()
    linked = connection.execute(
        select(accounts)
        .where(accounts.c.person_id == person)
        .order_by(accounts.c.linked_at, accounts.c.platform, accounts.c.user)
    ).mappings()
    return {
        "name": row["display_name"],
        "timezone": row["timezone"],
        "language": row["language"],
        "known_since": row["created_at"].isoformat(),
        "accounts": [
            {
                "account": f"{one['platform']}:{one['user']}",
                "name": one["display_name"],
                "linked_at": one["linked_at"].isoformat(),
            }
            for one in linked
        ],
    }


def told_by(person: PersonId) -> ColumnElement[bool]:
    """Hold for what the person said, be it about others; not for what others said of them."""
    return or_(
        facts.c.teller_id == person,
        and_(facts.c.person_id == person, facts.c.teller_id.is_(None), ~facts.c.hearsay),
    )


def told_about(person: PersonId) -> ColumnElement[bool]:
    """Hold for what others said of the person."""
    return and_(
        facts.c.person_id == person,
        or_(facts.c.teller_id != person, and_(facts.c.teller_id.is_(None), facts.c.hearsay)),
    )


def _written_by(person: PersonId) -> ColumnElement[bool]:
    return and_(messages.c.person_id == person, messages.c.deleted_at.is_(None))


def _said() -> ColumnElement[str]:
    return func.coalesce(messages.c.heard, messages.c.written)


def _turn(row: Mapping[Any, Any]) -> TurnView:
    return TurnView(
        id=row["id"],
        conversation=row["conversation_id"],
        ordinal=row["ordinal"],
        text=row["written"] if row["heard"] is None else row["heard"],
        said_at=row["created_at"],
        source=row["source"],
    )


def fact_view(row: Mapping[Any, Any]) -> FactView:
    """Return a row of facts for the person who told it."""
    return FactView(
        id=row["id"],
        about=row["about"],
        kind=row["kind"],
        slot=row["slot"],
        value=row["value"],
        text=row["text"],
        quote=row["quote"],
        confidence=row["confidence"],
        origin=row["origin"],
        pinned=row["pinned"],
        hearsay=row["hearsay"],
        conversation=row["conversation_id"],
        message=row["message_id"],
        since=row["valid_from"],
        until=row["valid_to"],
    )
