"""Summaries as rows, each bound to exactly the messages it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from services.domain.ids import ConversationId, PersonaId
from services.memory.recollections import (
    Audience,
    Dropped,
    add,
    audience_id,
    digest_of,
    remove,
)
from services.memory.scope import Kind, Viewer, allowed, place_of
from services.storage.tables import audiences, messages, recollections, summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message of the standing branch, as a character heard it."""

    id: str
    ordinal: int
    speaker: str
    text: str
    said_at: datetime

    @property
    def line(self) -> str:
        """Return who said what, in one line."""
        return f"{self.speaker}: {' '.join(self.text.split())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What happened from one message to another, as a character witnessed it.

    ``covers`` tells whether the messages still say what was summed up.
    """

    id: str
    conversation: ConversationId
    persona: PersonaId
    first_message: str
    last_message: str
    first_ordinal: int
    last_ordinal: int
    covers: str
    text: str
    model: str
    created_at: datetime


def heard_between(
    connection: Connection,
    conversation: ConversationId,
    persona: PersonaId,
    *,
    after: int,
    to: int | None = None,
    limit: int = 10_000,
) -> list[Heard]:
    """Return what ``persona`` heard with ordinals in ``(after, to]``, oldest first.

    Only what stands, was said in the open and is indexed; recalled text and summaries are no
    messages, so none is ever summed up again.
    """
    viewer = Viewer(persona=persona, conversation=conversation)
    said = func.coalesce(messages.c.heard, messages.c.written)
    rows = connection.execute(
        select(
            messages.c.id,
            messages.c.ordinal,
            messages.c.author_name.label("speaker"),
            said.label("text"),
            messages.c.created_at.label("said_at"),
        )
        .join(recollections, recollections.c.ref == messages.c.id)
        .join(audiences, audiences.c.id == recollections.c.audience_id)
        .where(
            recollections.c.kind == Kind.TURN.value,
            recollections.c.active,
            messages.c.conversation_id == str(conversation),
            messages.c.deleted_at.is_(None),
            messages.c.ordinal > after,
            messages.c.ordinal <= to if to is not None else messages.c.ordinal > after,
            allowed(viewer, Kind.TURN),
        )
        .order_by(messages.c.ordinal)
        .limit(limit)
    ).mappings()
    return [Heard(**row) for row in rows]


def covers(heard: Sequence[Heard]) -> str:
    """Return what changes when a message comes, goes or says something else."""
    return digest_of(*(f"{one.id} {one.text}" for one in heard))


def store(connection: Connection, summary: Summary) -> bool:
    """Keep a summary and make it searchable, unless what it covers has changed meanwhile."""
    heard = heard_between(
        connection,
        summary.conversation,
        summary.persona,
        after=summary.first_ordinal - 1,
        to=summary.last_ordinal,
    )
    if covers(heard) != summary.covers:
        return False
    connection.execute(
        insert(summaries).values(
            id=summary.id,
            conversation_id=str(summary.conversation),
            persona_id=summary.persona,
            first_message=summary.first_message,
            last_message=summary.last_message,
            first_ordinal=summary.first_ordinal,
            last_ordinal=summary.last_ordinal,
            covers=summary.covers,
            text=summary.text,
            model=summary.model,
            created_at=summary.created_at,
        )
    )
    audience = Audience(
        kind=Kind.SUMMARY,
        place=place_of(summary.conversation),
        conversation=summary.conversation,
        persona=summary.persona,
    )
    add(
        connection,
        kind=Kind.SUMMARY,
        ref=summary.id,
        audience=audience_id(connection, audience),
        words=summary.text,
        conversation=summary.conversation,
        said_at=summary.created_at,
    )
    return True


def load(
    connection: Connection, conversation: ConversationId, persona: PersonaId, *, newest: int
) -> list[Summary]:
    """Return the newest summaries, oldest first, whether or not they still hold."""
    rows = connection.execute(
        select(summaries)
        .where(summaries.c.conversation_id == str(conversation), summaries.c.persona_id == persona)
        .order_by(summaries.c.last_ordinal.desc())
        .limit(newest)
    ).mappings()
    return [_summary(row) for row in rows][::-1]


def standing(
    connection: Connection, conversation: ConversationId, persona: PersonaId, *, newest: int
) -> tuple[list[Summary], list[Summary]]:
    """Return the newest summaries that still hold, oldest first, and those that do not."""
    found = load(connection, conversation, persona, newest=newest)
    if not found:
        return [], []
    heard = heard_between(
        connection,
        conversation,
        persona,
        after=found[0].first_ordinal - 1,
        to=found[-1].last_ordinal,
    )
    hold: list[Summary] = []
    broken: list[Summary] = []
    for summary in found:
        inside = [
            one for one in heard if summary.first_ordinal <= one.ordinal <= summary.last_ordinal
        ]
        (hold if covers(inside) == summary.covers else broken).append(summary)
    return hold, broken


def discard_from(
    connection: Connection, conversation: ConversationId, persona: PersonaId, *, ordinal: int
) -> list[Dropped]:
    """Remove the summaries that reach ``ordinal`` or beyond."""
    chosen = (
        summaries.c.conversation_id == str(conversation),
        summaries.c.persona_id == persona,
        summaries.c.last_ordinal >= ordinal,
    )
    ids = connection.execute(select(summaries.c.id).where(*chosen)).scalars().all()
    dropped = remove(connection, kind=Kind.SUMMARY, refs=ids)
    connection.execute(delete(summaries).where(*chosen))
    return dropped


def _summary(row: RowMapping) -> Summary:
    return Summary(
        id=row["id"],
        conversation=ConversationId.parse(row["conversation_id"]),
        persona=PersonaId(row["persona_id"]),
        first_message=row["first_message"],
        last_message=row["last_message"],
        first_ordinal=row["first_ordinal"],
        last_ordinal=row["last_ordinal"],
        covers=row["covers"],
        text=row["text"],
        model=row["model"],
        created_at=row["created_at"],
    )
