"""Embedders that compute in this process, in threads of their own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.memory.embedders.embedded_texts import batches, checked, clean, nothing
from services.memory.embedders.engine_threads import EngineThreads
from services.memory.embedding import Vectors

logger = logging.getLogger(__name__)

T = TypeVar("T")

_AT_ONCE = 64
_FORESEEN = 4


class LocalEngine(Protocol):
    """A loaded model, called from as many threads at a time as its embedder was given."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        ...

    def query(self, text: str) -> Vectors:
        """Return the vector of a search."""
        ...


class LocalEmbedder:
    """An ``Embedder`` around an engine that ``load`` makes, in a thread, at the first call.

    Each of ``threads`` computes at most ``batch`` texts at a time. A search waits for no more than
    these, and where the engine is ``reentrant`` it has a thread of its own and waits for nothing.
    ``missing`` says what to do where the engine is not installed, which is when ``load`` raises
    ``ImportError`` or ``FileNotFoundError``.
    """

    def __init__(
        self,
        identity: str,
        load: Callable[[], LocalEngine],
        *,
        batch: int,
        missing: str,
        threads: int = 1,
        reentrant: bool = False,
    ) -> None:
        self._id = identity
        self._provider = identity.partition(":")[0]
        self._load = load
        self._batch = batch
        self._missing = missing
        self._engine: LocalEngine | None = None
        self._loading = threading.Lock()
        self._threads = EngineThreads("embedder", threads)
        self._searching = EngineThreads("embedder search") if reentrant else self._threads
        self._foreseen: OrderedDict[str, Future[Vectors]] = OrderedDict()

    @property
    def id(self) -> str:
        """Name the engine, the model and their version."""
        return self._id

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text. Raises ``ProviderError``."""
        made: list[Vectors] = []
        for start in range(0, len(texts), _AT_ONCE):
            parts = batches(texts[start : start + _AT_ONCE], self._batch)
            made += await asyncio.gather(
                *(self._threads.run(partial(self._passages, part)) for part in parts)
            )
        return np.concatenate(made) if made else nothing()

    async def query(self, text: str, /) -> Vectors:
        """Return the vector of a search, ahead of all passages. Raises ``ProviderError``."""
        foreseen = self._foreseen.pop(text, None)
        if foreseen is None:
            return await self._searching.run(lambda: self._query(clean(text)), urgent=True)
        return await asyncio.wrap_future(foreseen)

    def foresee(self, text: str, /) -> None:
        """Begin with the vector of the next search for ``text``; the last four are kept for it."""
        if text in self._foreseen:
            return
        self._foreseen[text] = self._searching.begin(lambda: self._query(clean(text)), urgent=True)
        while len(self._foreseen) > _FORESEEN:
            self._foreseen.popitem(last=False)[1].cancel()

    async def close(self) -> None:
        """End the threads and drop the model; a later call loads it again."""
        self._foreseen.clear()
        await self._threads.close()
        await self._searching.close()
        self._engine = None

    def _passages(self, texts: Sequence[str]) -> Vectors:
        found = self._call(lambda engine: engine.passages(texts))
        return checked(found, count=len(texts), provider=self._provider)

    def _query(self, text: str) -> Vectors:
        found = self._call(lambda engine: engine.query(text))
        return np.asarray(checked([found], count=1, provider=self._provider)[0])

    def _call(self, work: Callable[[LocalEngine], T]) -> T:
        try:
            with self._loading:
                if self._engine is None:
                    self._engine = self._load()
                engine = self._engine
            return work(engine)
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
