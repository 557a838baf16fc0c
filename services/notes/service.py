"""Notes of people: written down, sorted, found again and shared."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound, ProviderError
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.memory.embedding import Embedder
from services.memory.scope import place_of
from services.notes import repository
from services.notes.note import (
    MOST_NOTES,
    Note,
    checked_category,
    checked_content,
    too_many,
)
from services.storage.database import Database

logger = logging.getLogger(__name__)

_MOST_FOUND = 10
_MOST_SHARED = 100
_EMBEDDING_SECONDS = 3.0
_EMBEDDED_AT_ONCE = 64
_RANK_CONSTANT = 60  # reciprocal rank fusion, Cormack et al. 2009
_NEAR = 0.5  # of the best cosine's lead over the mean, what still counts as near


class Notes:
    """Keeps the notes of people, 500 at most each; all linked accounts are one person.

    Everything is done to the notes of whoever asks, found by the numbers they see. Raises
    ``NotFound`` for a number that is not theirs.
    """

    def __init__(
        self, *, database: Database, clock: Clock, embedder: Embedder | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._embedder = embedder

    async def add(
        self, content: str, *, category: str | None = None, by: Author, where: ConversationId
    ) -> Note:
        """Write a note. Raises ``InvalidRequest``, and ``TooMany`` beyond 500."""
        now = self._clock.now()
        values = {
            "content": checked_content(content),
            "category": checked_category(category),
            "author_name": by.display_name[:100],
            "created_at": now,
            "updated_at": now,
        }
        async with self._database.transaction() as tx:
            note = await tx.run(repository.add, by.id, place_of(where), values, MOST_NOTES)
            if note is None:
                raise too_many()
        return note

    async def listed(self, *, by: Author, category: str | None = None) -> Sequence[Note]:
        """Return the notes, pinned first, then the newest; only of ``category`` if it is given."""
        wanted = None if category is None else checked_category(category)
        async with self._database.reader() as snapshot:
            return await snapshot.run(repository.listed, by.id, category=wanted)

    async def categories(self, *, by: Author) -> Sequence[tuple[str, int]]:
        """Return the categories by name, each with how many notes it has."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(repository.categories, by.id)

    async def show(self, number: int, *, by: Author) -> Note:
        """Return a note."""
        async with self._database.reader() as snapshot:
            return _there(await snapshot.run(repository.find, by.id, _number(number)), number)

    async def edit(
        self,
        number: int,
        *,
        by: Author,
        content: str | None = None,
        category: str | None = None,
    ) -> Note:
        """Put other words, or another category, in place of a note's. Raises ``InvalidRequest``."""
        values: dict[str, Any] = {}
        if content is not None:
            values["content"] = checked_content(content)
        if category is not None:
            values["category"] = checked_category(category)
        if not values:
            raise InvalidRequest("note_unchanged", "Say what the note should say now.")
        return await self._change(number, by, **values)

    async def pin(self, number: int, *, by: Author, pinned: bool = True) -> Note:
        """List a note first, or no longer."""
        return await self._change(number, by, pinned=pinned)

    async def share(self, number: int, *, by: Author, where: ConversationId) -> Note:
        """Let everybody in the place read a note, until it is ``withdrawn``."""
        return await self._change(number, by, shared_in=place_of(where))

    async def withdraw(self, number: int, *, by: Author) -> Note:
        """Share a note no longer."""
        return await self._change(number, by, shared_in=None)

    async def shared(self, where: ConversationId) -> Sequence[Note]:
        """Return what is shared in the place, the newest first, 100 at most."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(repository.shared, place_of(where), most=_MOST_SHARED)

    async def delete(self, number: int, *, by: Author) -> None:
        """Delete a note."""
        if not await self._drop(by, number=_number(number)):
            raise _unknown(number)

    async def clear(self, *, by: Author, category: str | None = None) -> int:
        """Delete all notes, or those of a category; return how many there were."""
        return await self._drop(
            by, category=None if category is None else checked_category(category)
        )

    async def search(self, query: str, *, by: Author) -> Sequence[Note]:
        """Return up to ten notes that have the words or mean something alike, the best first.

        Both rankings are fused by reciprocal rank. Without an embedder, or while it takes longer
        than three seconds, only words count.
        """
        query = query.strip()[:1000]
        if not query:
            return []
        async with self._database.reader() as snapshot:
            worded = await snapshot.run(repository.matching, by.id, query, most=_MOST_FOUND)
        meant = await self._meant(query, by.id)
        scores: dict[int, float] = {}
        for ranked in ([row for row, _ in worded], meant):
            for rank, row in enumerate(ranked, 1):
                scores[row] = scores.get(row, 0.0) + 1 / (_RANK_CONSTANT + rank)
        best = sorted(scores, key=lambda row: -scores[row])[:_MOST_FOUND]
        async with self._database.reader() as snapshot:
            known = await snapshot.run(repository.by_rows, best)
        return [known[row][1] for row in best if row in known]

    async def export(self, *, by: Author) -> str:
        """Return all notes as a Markdown text, by category and number."""
        notes = sorted(await self.listed(by=by), key=lambda note: (note.category, note.number))
        lines = ["# Notes"]
        category = None
        for note in notes:
            if note.category != category:
                category = note.category
                lines += ["", f"## {category}"]
            pin = " (pinned)" if note.pinned else ""
            lines += ["", f"### {note.number}{pin}, {note.updated_at:%Y-%m-%d %H:%M} UTC"]
            lines += ["", note.content]
        return "\n".join(lines) + "\n"

    async def _meant(self, query: str, account: AuthorId) -> Sequence[int]:
        if self._embedder is None:
            return []
        try:
            async with asyncio.timeout(_EMBEDDING_SECONDS):
                return await self._nearest(self._embedder, query, account)
        except (ProviderError, TimeoutError) as error:
            code = error.code if isinstance(error, ProviderError) else "too_late"
            logger.info("notes not searched by meaning", extra={"code": code})
            return []

    async def _nearest(self, embedder: Embedder, query: str, account: AuthorId) -> Sequence[int]:
        import numpy as np  # noqa: PLC0415  only for those who search

        async with self._database.reader() as snapshot:
            known, missing = await snapshot.run(repository.vectors, account, embedder.id)
        while missing:
            part, missing = missing[:_EMBEDDED_AT_ONCE], missing[_EMBEDDED_AT_ONCE:]
            rows = await embedder.passages([written for _, written in part])
            made = [
                (row, written, vector.astype(np.float32).tobytes())
                for (row, written), vector in zip(part, rows, strict=True)
            ]
            async with self._database.transaction() as tx:
                await tx.run(repository.keep_vectors, embedder.id, made)
            known = [*known, *((row, vector) for row, _, vector in made)]
        if not known:
            return []
        asked = await embedder.query(query)
        table = np.stack([np.frombuffer(vector, np.float32) for _, vector in known])
        cosines = table @ asked
        threshold = cosines.mean() + _NEAR * (cosines.max() - cosines.mean())
        order = np.argsort(-cosines)[:_MOST_FOUND]
        return [known[place][0] for place in order if cosines[place] >= threshold]

    async def _change(self, number: int, by: Author, **values: Any) -> Note:  # noqa: ANN401
        changed = repository.changed_at(self._clock.now(), **values)
        async with self._database.transaction() as tx:
            found = await tx.run(repository.change, by.id, _number(number), changed)
        return _there(found, number)

    async def _drop(
        self, by: Author, *, number: int | None = None, category: str | None = None
    ) -> int:
        def work(connection: Connection) -> int:
            return repository.drop(connection, by.id, number=number, category=category)

        async with self._database.transaction() as tx:
            return await tx.run(work)


def _number(number: int) -> int:
    if not 0 < number < 2**31:
        raise _unknown(number)
    return number


def _there(note: Note | None, number: int) -> Note:
    if note is None:
        raise _unknown(number)
    return note


def _unknown(number: int) -> NotFound:
    shown = str(number)[:12]
    return NotFound("note_unknown", f"You have no note {shown}; /notes lists yours.")
