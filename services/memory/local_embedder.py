"""Embedders that compute in this process, in a thread of their own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.memory.embedded_texts import batches, checked, clean, nothing
from services.memory.embedding import Vectors
from services.memory.engine_thread import EngineThread

logger = logging.getLogger(__name__)

T = TypeVar("T")


class LocalEngine(Protocol):
    """A loaded model; all of it is called in one thread."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        ...

    def query(self, text: str) -> Vectors:
        """Return the vector of a search."""
        ...


class LocalEmbedder:
    """An ``Embedder`` around an engine that ``load`` makes, in the thread, at the first call.

    At most ``batch`` texts are computed at a time, so that a search waits for no more than these.
    ``missing`` says what to do where the engine is not installed, which is when ``load`` raises
    ``ImportError`` or ``FileNotFoundError``.
    """

    def __init__(
        self, identity: str, load: Callable[[], LocalEngine], *, batch: int, missing: str
    ) -> None:
        self._id = identity
        self._provider = identity.partition(":")[0]
        self._load = load
        self._batch = batch
        self._missing = missing
        self._engine: LocalEngine | None = None
        self._thread = EngineThread("embedder")

    @property
    def id(self) -> str:
        """Name the engine, the model and their version."""
        return self._id

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text. Raises ``ProviderError``."""
        made: list[Vectors] = []
        for part in batches(texts, self._batch):
            made.append(await self._thread.run(lambda part=part: self._passages(part)))  # type: ignore[misc]
            await asyncio.sleep(0)
        return np.concatenate(made) if made else nothing()

    async def query(self, text: str, /) -> Vectors:
        """Return the vector of a search, ahead of all passages. Raises ``ProviderError``."""
        return await self._thread.run(lambda: self._query(clean(text)), urgent=True)

    async def close(self) -> None:
        """End the thread and drop the model; a later call loads it again."""
        await self._thread.close()
        self._engine = None

    def _passages(self, texts: Sequence[str]) -> Vectors:
        found = self._call(lambda engine: engine.passages(texts))
        return checked(found, count=len(texts), provider=self._provider)

    def _query(self, text: str) -> Vectors:
        found = self._call(lambda engine: engine.query(text))
        return np.asarray(checked([found], count=1, provider=self._provider)[0])

    def _call(self, work: Callable[[LocalEngine], T]) -> T:
        try:
            if self._engine is None:
                self._engine = self._load()
            return work(self._engine)
        except (ImportError, FileNotFoundError) as error:
            raise ProviderError(
                self._provider,
                ProviderFault.MODEL_MISSING,
                self._missing,
                detail=type(error).__name__,
            ) from error
        except Exception as error:
            logger.exception("embedder failed", extra={"embedder": self._id})
            raise ProviderError(
                self._provider,
                ProviderFault.SERVER_ERROR,
                f"The embedder {self._provider} failed; see the log.",
                detail=f"{type(error).__name__}: {error}"[:200],
            ) from error
