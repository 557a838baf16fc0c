"""What can be recalled, as rows: added, replaced and forgotten inside the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.ids import ConversationId, PersonaId, PersonId
from services.memory.scope import Kind
from services.storage.tables import audiences, messages, recollections

T = TypeVar("T")

_AT_ONCE = 400
_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_REFS: BindParameter[Sequence[str]] = bindparam("refs", expanding=True)

_AUDIENCE = select(audiences.c.id).where(audiences.c.key == bindparam("key"))
_KNOWN = select(recollections.c.id, recollections.c.digest).where(
    recollections.c.kind == bindparam("kind"), recollections.c.ref == bindparam("ref")
)
_NAMED = select(recollections.c.id).where(
    recollections.c.kind == bindparam("kind"), recollections.c.ref.in_(_REFS)
)
_CHOSEN = select(recollections.c.id, recollections.c.kind, recollections.c.ref).where(
    recollections.c.id.in_(_IDS)
)
_FOLLOWING = (
    select(recollections.c.id, recollections.c.kind)
    .join(messages, messages.c.id == recollections.c.ref)
    .where(recollections.c.kind == Kind.TURN.value, messages.c.parent_id.in_(_REFS))
)
_UNEMBED = update(recollections).where(recollections.c.id.in_(_IDS))
_INSERT = insert(recollections).returning(recollections.c.id)
_INSERT_WORDS = text("INSERT INTO recollection_words (rowid, words) VALUES (:row, :words)")
_DELETE_WORDS = text("DELETE FROM recollection_words WHERE rowid = :row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who may be reminded of something, as ``scope.allowed`` reads it; stored once per value."""

    kind: Kind
    place: str | None = None
    conversation: ConversationId | None = None
    roster: str | None = None
    visibility: str = "shared"
    persona: PersonaId | None = None
    person: PersonId | None = None
    category: str | None = None

    @property
    def key(self) -> str:
        """Return a text that only equal audiences share."""
        conversation = None if self.conversation is None else str(self.conversation)
        return json.dumps(
            [
                *(self.kind.value, self.place, conversation, self.roster),
                *(self.visibility, self.persona, self.person, self.category),
            ],
            ensure_ascii=False,
        )


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row whose vector no longer holds; for ``Indexer.dropped``."""

    row: int
    kind: Kind


class Vectorizer(Protocol):
    """What keeps the vector indexes like the database, in the background."""

    def wake(self, *, sweep: bool = False) -> None:
        """Look for rows without a vector; ``sweep`` looks through all of them."""
        ...

    async def dropped(self, rows: Sequence[Dropped], /, *, thoroughly: bool = False) -> None:
        """Forget the vectors of rows; ``thoroughly``, so that nothing of them stays on disk."""
        ...


def audience_id(connection: Connection, audience: Audience) -> int:
    """Return the number of an audience, storing it when it is new."""
    key = audience.key
    found = connection.execute(_AUDIENCE, {"key": key}).scalar_one_or_none()
    if found is not None:
        return int(found)
    conversation = None if audience.conversation is None else str(audience.conversation)
    connection.execute(
        upsert(audiences)
        .values(
            key=key,
            kind=audience.kind.value,
            place=audience.place,
            conversation_id=conversation,
            roster_id=audience.roster,
            visibility=audience.visibility,
            persona_id=audience.persona,
            person_id=audience.person,
            category=audience.category,
        )
        .on_conflict_do_nothing()
    )
    return int(connection.execute(_AUDIENCE, {"key": key}).scalar_one())


def add(
    connection: Connection,
    *,
    kind: Kind,
    ref: str,
    audience: int,
    words: str,
    conversation: ConversationId | None = None,
    ordinal: int | None = None,
    session: int | None = None,
    speaker: str | None = None,
    person: PersonId | None = None,
    said_at: datetime | None = None,
    active: bool = True,
    digest: str | None = None,
) -> int:
    """Make ``words`` searchable as ``ref`` of ``kind``, and return its row.

    What was there under the same name is replaced where ``digest`` (by default that of the words)
    differs. The vector follows in the background; wake the indexer after the commit.
    """
    digest = digest or digest_of(words)
    values = {
        "audience_id": audience,
        "conversation_id": None if conversation is None else str(conversation),
        "ordinal": ordinal,
        "session": session,
        "speaker": speaker,
        "person_id": person,
        "said_at": said_at,
        "active": active,
        "digest": digest,
    }
    known = connection.execute(_KNOWN, {"kind": kind.value, "ref": ref}).one_or_none()
    if known is None:
        added = connection.execute(_INSERT, {"kind": kind.value, "ref": ref, **values})
        row = int(added.scalar_one())
    else:
        row = int(known.id)
        if known.digest != digest:
            values |= {"embedder": None, "embedding": None}
            connection.execute(_DELETE_WORDS, {"row": row})
        connection.execute(update(recollections).where(recollections.c.id == row).values(**values))
    if known is None or known.digest != digest:
        connection.execute(_INSERT_WORDS, {"row": row, "words": words})
    return row


def remove(connection: Connection, *, kind: Kind, refs: Sequence[str]) -> list[Dropped]:
    """Forget what is searchable as ``refs`` of ``kind``; unknown ones are ignored.

    See ``forget_rows`` for what is returned.
    """
    rows = [
        int(row)
        for some in _portions(list(refs))
        for row in connection.execute(_NAMED, {"kind": kind.value, "refs": some}).scalars()
    ]
    return forget_rows(connection, rows)


def forget_rows(connection: Connection, ids: Sequence[int]) -> list[Dropped]:
    """Delete rows with their words and embeddings; unknown ones are ignored.

    Messages that follow a deleted one lose their vectors, which quoted it, and get new ones in the
    background. Returns every row whose vector no longer holds: give them to ``Indexer.dropped``
    after the commit.
    """
    dropped: dict[int, Dropped] = {}
    for some in _portions(list(ids)):
        found = connection.execute(_CHOSEN, {"ids": some}).all()
        turns = [row.ref for row in found if row.kind == Kind.TURN]
        _note(dropped, _unembed_following(connection, turns))
        _note(dropped, [(row.id, row.kind) for row in found])
        rows = [row.id for row in found]
        if rows:
            connection.execute(_DELETE_WORDS, [{"row": row} for row in rows])
            connection.execute(delete(recollections).where(recollections.c.id.in_(rows)))
    return list(dropped.values())


def digest_of(*texts: str) -> str:
    """Return what tells texts apart: 128 bits of SHA-256, in hexadecimal."""
    return hashlib.sha256("\x00".join(texts).encode(errors="surrogatepass")).hexdigest()[:32]


def _unembed_following(connection: Connection, turns: Sequence[str]) -> list[tuple[int, str]]:
    if not turns:
        return []
    rows = connection.execute(_FOLLOWING, {"refs": turns})
    following = [(row.id, row.kind) for row in rows]
    for some in _portions([row for row, _ in following]):
        connection.execute(_UNEMBED.values(embedder=None, embedding=None, digest=""), {"ids": some})
    return following


def _note(dropped: dict[int, Dropped], rows: Iterable[tuple[int, str]]) -> None:
    for row, kind in rows:
        dropped[row] = Dropped(row, Kind(kind))


def _portions(values: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
