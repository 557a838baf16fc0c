"""Where the nearest vectors are found; rebuilt from the database whenever in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.memory.embedding import Vectors


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """A vector under the row number of what it stands for; ``group`` narrows searches."""

    row: int
    group: int


@dataclass(frozen=True, slots=True)
class Near:
    """A row found, and its cosine to what was searched."""

    row: int
    score: float


class VectorIndex(Protocol):
    """Vectors by row number; never the truth, and free to forget everything at a restart.

    One embedder's vectors at a time. All calls leave the event loop free.
    """

    async def upsert(self, records: Sequence[VectorRecord], vectors: Vectors, /) -> None:
        """Add or replace; ``vectors`` has one row of length one per record."""
        ...

    async def search(
        self, vector: Vectors, /, *, groups: Sequence[int] | None, limit: int
    ) -> Sequence[Near]:
        """Return the nearest rows of ``groups`` (``None`` = all), best first, ties by row."""
        ...

    async def delete(self, rows: Sequence[int], /) -> None:
        """Forget rows; unknown ones are ignored. Nothing of them stays on disk or in memory."""
        ...

    async def clear(self) -> None:
        """Forget everything, also where the store is damaged."""
        ...

    async def count(self) -> int:
        """Return how many vectors there are."""
        ...

    async def close(self) -> None:
        """Give everything back; idempotent."""
        ...
