"""The vector indexes of what can be recalled, and how each is kept like the database."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from services.memory.index import embeddings
from services.memory.index.vectors import VectorIndex
from services.memory.scope import Kind
from services.storage.database import Database
from services.storage.tables import memory_states

logger = logging.getLogger(__name__)

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A vector index for some kinds; ``erases`` when what it deletes is gone from disk as well."""

    name: str
    index: VectorIndex
    kinds: tuple[Kind, ...]
    erases: bool = True


class ShelfKeeper:
    """Fills one shelf with the stored vectors of an embedder, a portion per call.

    The caller sees to it that nothing else writes to the index or to stored vectors meanwhile, and
    notes in ``failures`` and ``ready_at`` (of the monotonic clock) when to try again.
    """

    def __init__(self, shelf: Shelf, *, database: Database, embedder: str) -> None:
        self.shelf = shelf
        self.filling = False
        self.suspected = False
        self.failures = 0
        self.ready_at = 0.0
        self._database = database
        self._embedder = embedder
        self._emptied = False
        self._after = 0

    @property
    def lost(self) -> bool:
        """Whether nothing is known of the index, so that it has to be emptied before all else."""
        return self.filling and not self._emptied

    async def open(self) -> None:
        """Compare the index with the database and begin to fill it anew where they differ."""
        async with self._database.reader() as snapshot:
            held = await snapshot.run(_held, self.shelf.name)
        if held != self._embedder or await self._differs():
            await self.begin()

    async def begin(self) -> None:
        """Empty the index; it is filled by the following calls of ``fill``."""
        self.lose()
        await self.shelf.index.clear()
        async with self._database.transaction() as tx:
            await tx.run(_hold, self.shelf.name, self._embedder)
        self._emptied = True

    def lose(self) -> None:
        """Note that nothing is known of the index; the next ``fill`` begins by emptying it."""
        self.filling, self.suspected, self._emptied, self._after = True, False, False, 0

    async def fill(self) -> None:
        """Take in the next stored vectors; ``filling`` ends with the last.

        Raises ``MixedVectorsError`` where they are of different lengths.
        """
        if self.lost:
            await self.begin()
        async with self._database.reader() as snapshot:
            records, vectors = await snapshot.run(
                embeddings.load, self._embedder, self.shelf.kinds, after=self._after, limit=_AT_ONCE
            )
        if records:
            await self.shelf.index.upsert(records, vectors)
            self._after = records[-1].row
        self.filling = len(records) == _AT_ONCE
        if not self.filling:
            self.failures = 0

    async def check(self) -> None:
        """Count both sides; where they differ twice in a row, begin to fill anew."""
        if self.filling or not await self._differs():
            self.suspected = False
        elif self.suspected:
            logger.warning("vector index differs from database", extra={"index": self.shelf.name})
            await self.begin()
        else:
            self.suspected = True

    async def drop(self, rows: Sequence[int], *, thoroughly: bool) -> None:
        """Forget rows; thoroughly means that no trace may stay on disk."""
        if not self.lost:
            await self.shelf.index.delete(rows)
        if thoroughly and (self.lost or not self.shelf.erases):
            await self.begin()

    async def _differs(self) -> bool:
        async with self._database.reader() as snapshot:
            stored = await snapshot.run(embeddings.embedded, self._embedder, self.shelf.kinds)
        return stored != await self.shelf.index.count()


def _held(connection: Connection, name: str) -> str | None:
    found = connection.execute(
        select(memory_states.c.value).where(memory_states.c.key == f"vectors:{name}")
    ).scalar_one_or_none()
    return found if isinstance(found, str) else None


def _hold(connection: Connection, name: str, embedder: str) -> None:
    insertion = upsert(memory_states).values(key=f"vectors:{name}", value=embedder)
    connection.execute(
        insertion.on_conflict_do_update(
            index_elements=["key"], set_={"value": insertion.excluded.value}
        )
    )
