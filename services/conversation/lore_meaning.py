"""Which lorebook entries the newest messages speak of, though they may not name their keys."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from services.domain.errors import ProviderError
from services.memory.embedding import Embedder, Vectors
from services.persona.lore.entry import Lorebook
from services.persona.macros.environment import ChatLine
from services.storage.cache import RecentCache

logger = logging.getLogger(__name__)

_QUERY_MESSAGES = 2
_QUERY_CHARACTERS = 1000
_MOST_FOUND = 5
_MOST_ENTRIES = 1000
_KEPT = 5000
_AT_ONCE = 16
_SECONDS = 0.5
_ABOUT_NOTHING_HERE = (
    "The invoice has to be paid by the end of the month.",
    "Add two spoons of flour and stir until it is smooth.",
    "The bus was late again this morning.",
    "Version two of the program fixes several errors.",
    "He scored in the last minute of the match.",
    "It will be cloudy with some rain in the afternoon.",
    "She bought a new pair of shoes yesterday.",
    "The committee will vote on the proposal next week.",
)
"""Sentences of everyday subjects: an entry counts when it is nearer to what was said than all of
them, whatever an embedder's cosines look like."""


@dataclass(frozen=True, slots=True)
class _Entry:
    book: str
    uid: str
    text: str


class MeantEntries:
    """Finds entries marked ``vectorized`` by the meaning of the newest two messages.

    Without an embedder none are found. Entries not embedded yet are, for half a second per turn;
    the rest waits for the next ones.
    """

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._vectors: RecentCache[str, Vectors] = RecentCache(_KEPT)

    async def find(
        self, books: Sequence[Lorebook], chat: Sequence[ChatLine]
    ) -> frozenset[tuple[str, str]]:
        """Return up to five entries, as (book, uid)."""
        entries = [
            _Entry(book.name, str(entry.uid), entry.content)
            for book in books
            for entry in book.entries
            if entry.vectorized and not entry.disabled and entry.content.strip()
        ][:_MOST_ENTRIES]
        said = "\n".join(line.text for line in chat[-_QUERY_MESSAGES:])[-_QUERY_CHARACTERS:]
        if self._embedder is None or not entries or not said.strip():
            return frozenset()
        try:
            return await self._nearest(self._embedder, entries, said)
        except (ProviderError, TimeoutError) as error:
            code = error.code if isinstance(error, ProviderError) else "too_late"
            logger.info("lore not searched by meaning", extra={"code": code})
            return frozenset()

    async def _nearest(
        self, embedder: Embedder, entries: Sequence[_Entry], said: str
    ) -> frozenset[tuple[str, str]]:
        await self._embed(embedder, [*_ABOUT_NOTHING_HERE, *(entry.text for entry in entries)])
        async with asyncio.timeout(_SECONDS):
            asked = await embedder.query(said)

        def nearness(text: str) -> float | None:
            vector = self._vectors.get(_key(embedder, text))
            return None if vector is None else float(vector @ asked)

        others = [nearness(text) for text in _ABOUT_NOTHING_HERE]
        if None in others:
            return frozenset()
        least = max(found for found in others if found is not None)
        near = [(nearness(entry.text), entry) for entry in entries]
        standing_out = [
            (found, entry) for found, entry in near if found is not None and found > least
        ]
        standing_out.sort(key=lambda pair: -pair[0])
        return frozenset((entry.book, entry.uid) for _, entry in standing_out[:_MOST_FOUND])

    async def _embed(self, embedder: Embedder, texts: Sequence[str]) -> None:
        unknown = [
            text for text in dict.fromkeys(texts) if self._vectors.get(_key(embedder, text)) is None
        ]
        try:
            async with asyncio.timeout(_SECONDS):
                for start in range(0, len(unknown), _AT_ONCE):
                    some = unknown[start : start + _AT_ONCE]
                    for text, vector in zip(some, await embedder.passages(some), strict=True):
                        self._vectors.keep(_key(embedder, text), vector)
        except TimeoutError:
            logger.info("lore is still being embedded", extra={"entries": len(unknown)})


def _key(embedder: Embedder, text: str) -> str:
    return f"{embedder.id} {hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
