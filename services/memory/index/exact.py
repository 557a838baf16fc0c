"""Exact search: every vector of the groups asked for is compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.memory.embedding import Vectors
from services.memory.index.quantised import QuantisedRows
from services.memory.index.vectors import Near, VectorRecord

T = TypeVar("T")


class ExactIndex:
    """A ``VectorIndex`` in memory, a byte per dimension; empty after every start.

    Scores are within 0.01 of the cosines. 100,000 vectors of 384 dimensions take 42 MB, and a
    search through all of them about 10 ms of its own thread. What is deleted is overwritten.
    Vectors of another length than those held are refused with ``ValueError``, and a search with
    one finds nothing.
    """

    def __init__(self) -> None:
        self._rows = QuantisedRows()
        self._executor: ThreadPoolExecutor | None = None

    async def upsert(self, records: Sequence[VectorRecord], vectors: Vectors, /) -> None:
        """Add or replace; the last of several records of one row counts."""
        if not records:
            return
        latest = {record.row: place for place, record in enumerate(records)}
        places = list(latest.values())
        rows = np.fromiter(latest, np.int64, len(latest))
        groups = np.fromiter((records[place].group for place in places), np.int64, len(places))
        chosen = np.asarray(vectors, np.float32)[places]
        await self._run(lambda: self._rows.put(rows, groups, chosen))

    async def search(
        self, vector: Vectors, /, *, groups: Sequence[int] | None, limit: int
    ) -> Sequence[Near]:
        """Return the nearest rows of ``groups``, best first, ties by row."""
        if limit < 1 or (groups is not None and not groups):
            return []
        sought = np.asarray(vector, np.float32)
        return await self._run(lambda: self._nearest(sought, groups, limit))

    async def delete(self, rows: Sequence[int], /) -> None:
        """Forget rows and overwrite where they were."""
        if rows:
            gone = np.asarray(rows, np.int64)
            await self._run(lambda: self._rows.remove(gone))

    async def clear(self) -> None:
        """Forget everything."""
        await self._run(self._rows.clear)

    async def count(self) -> int:
        """Return how many vectors there are."""
        return await self._run(lambda: len(self._rows))

    async def close(self) -> None:
        """Forget everything and end the thread."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self._rows.clear)
            executor.shutdown(wait=False)

    def _nearest(
        self, vector: NDArray[np.float32], groups: Sequence[int] | None, limit: int
    ) -> Sequence[Near]:
        rows, scores = self._rows.scores(vector, groups)
        if len(rows) > limit:
            # Everything as good as the last one stays, so that ties are settled by row.
            worst = np.partition(scores, len(scores) - limit)[len(scores) - limit]
            kept = scores >= worst
            rows, scores = rows[kept], scores[kept]
        best = np.lexsort((rows, -scores))[:limit]
        return [Near(int(rows[at]), float(scores[at])) for at in best]

    async def _run(self, work: Callable[[], T]) -> T:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="vectors")
        # What has begun ends, also when whoever asked is cancelled.
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
