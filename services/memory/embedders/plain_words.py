"""No embedder at all: memory is searched by words alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.memory.embedding import Vectors

NONE = "none"
"""The ``id`` of the embedder that makes no vectors."""


class PlainWords:
    """An ``Embedder`` whose vectors have no dimensions, so that nothing is near anything."""

    @property
    def id(self) -> str:
        """Return ``NONE``."""
        return NONE

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return an empty vector per text."""
        return np.zeros((len(texts), 0), np.float32)

    async def query(self, text: str, /) -> Vectors:
        """Return an empty vector."""
        return np.zeros(0, np.float32)

    async def close(self) -> None:
        """Do nothing."""
