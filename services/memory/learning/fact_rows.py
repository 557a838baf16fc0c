"""Facts as rows, each as searchable as it holds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from services.domain.ids import ConversationId
from services.memory.learning import slots
from services.memory.learning.fact import Changes, Fact, Origin, Party, Telling
from services.memory.learning.rules.findings import FactKind
from services.memory.recollections import Audience, add, audience_id, remove
from services.memory.scope import Kind, place_of
from services.storage.tables import facts


def fact_audience(connection: Connection, told: Telling) -> int:
    """Return the audience of what a person tells a character in a place, made if it is new."""
    audience = Audience(
        kind=Kind.FACT,
        place=place_of(told.conversation),
        persona=told.persona,
        person=told.teller.person,
    )
    return audience_id(connection, audience)


def facts_in(connection: Connection, query: Select[tuple[object, ...]]) -> list[Fact]:
    """Return the facts of a query on the whole table."""
    return [_fact_of(row) for row in connection.execute(query).mappings()]


def facts_beside(connection: Connection, fact: Fact) -> list[Fact]:
    """Return what is stored for the same audience and subject in slots that ``fact`` bears on."""
    query = select(facts).where(
        facts.c.audience_id == fact.audience,
        facts.c.slot.in_(slots.rivals(fact.slot)),
        facts.c.id != fact.id,
    )
    return [
        each
        for each in facts_in(connection, query)
        if each.hearsay == fact.hearsay and each.subject == fact.subject
    ]


def insert_fact(connection: Connection, fact: Fact, changes: Changes) -> None:
    """Store a new fact."""
    connection.execute(
        insert(facts).values(
            id=fact.id,
            audience_id=fact.audience,
            person_id=fact.about.person,
            about=fact.about.name,
            teller_id=fact.teller.person,
            teller=fact.teller.name,
            hearsay=fact.hearsay,
            kind=fact.kind.value,
            pinned=fact.pinned,
            valid_from=fact.valid_from,
            created_at=fact.created_at,
            **_changing(fact),
        )
    )
    _index(connection, fact, changes)


def update_fact(connection: Connection, fact: Fact, changes: Changes) -> None:
    """Store what has changed of a fact."""
    connection.execute(
        update(facts)
        .where(facts.c.id == fact.id)
        .values(pinned=fact.pinned, valid_from=fact.valid_from, **_changing(fact))
    )
    _index(connection, fact, changes)


def unindex(connection: Connection, ids: Sequence[str], changes: Changes) -> None:
    """Let no search find these facts any more."""
    changes.dropped += remove(connection, kind=Kind.FACT, refs=ids)


def _index(connection: Connection, fact: Fact, changes: Changes) -> None:
    if not fact.standing:
        unindex(connection, [fact.id], changes)
        return
    changes.indexed += 1
    add(
        connection,
        kind=Kind.FACT,
        ref=fact.id,
        audience=fact.audience,
        words=fact.text,
        conversation=ConversationId.parse(fact.conversation) if fact.conversation else None,
        speaker=fact.teller.name,
        person=fact.about.person,
        said_at=fact.valid_from,
    )


def _changing(fact: Fact) -> dict[str, object]:
    return {
        "slot": fact.slot,
        "value": fact.value,
        "text": fact.text,
        "quote": fact.quote,
        "digest": fact.digest,
        "confidence": fact.confidence,
        "origin": fact.origin.value,
        "conversation_id": fact.conversation,
        "message_id": fact.message,
        "valid_to": fact.valid_to,
        "superseded_by": fact.superseded_by,
    }


def _fact_of(row: RowMapping) -> Fact:
    return Fact(
        id=row["id"],
        audience=row["audience_id"],
        about=Party(name=row["about"], person=row["person_id"]),
        teller=Party(name=row["teller"], person=row["teller_id"]),
        hearsay=row["hearsay"],
        kind=FactKind(row["kind"]),
        slot=row["slot"],
        value=row["value"],
        text=row["text"],
        quote=row["quote"],
        confidence=row["confidence"],
        origin=Origin(row["origin"]),
        pinned=row["pinned"],
        conversation=row["conversation_id"],
        message=row["message_id"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        created_at=row["created_at"],
        superseded_by=row["superseded_by"],
    )
