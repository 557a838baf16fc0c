"""What embedders that ask a server have in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.memory.embedders.embedded_texts import batches, checked, clean, nothing, unusable
from services.memory.embedding import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a server is asked: as whom, in what pieces, for how long, and what else can be done."""

    provider: str
    batch: int
    seconds: float
    advice: str


class ServedEmbedder(ABC):
    """An ``Embedder`` over HTTP; one batch of passages at a time, searches beside it."""

    def __init__(self, model: str, serving: Serving) -> None:
        self._model = model
        self._serving = serving
        self._turn = asyncio.Semaphore()

    @property
    def id(self) -> str:
        """Name the engine and the model."""
        return f"{self._serving.provider}:{self._model}"

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text. Raises ``ProviderError``."""
        made = []
        for part in batches(texts, self._serving.batch):
            async with self._turn:
                made.append(await self._in_time(part))
        if len({part.shape[1] for part in made}) > 1:
            raise unusable(self._serving.provider, "vectors of different lengths")
        return np.concatenate(made) if made else nothing()

    async def query(self, text: str, /) -> Vectors:
        """Return the vector of a search. Raises ``ProviderError``."""
        found = await self._in_time([clean(text)])
        return np.asarray(found[0])

    @abstractmethod
    async def ask(self, texts: list[str]) -> object:
        """Return the server's vectors in the order of the texts. Raises ``ProviderError``."""

    async def _in_time(self, texts: list[str]) -> Vectors:
        serving = self._serving
        try:
            async with asyncio.timeout(serving.seconds):
                found = await self.ask(texts)
        except TimeoutError as error:
            raise ProviderError(
                serving.provider,
                ProviderFault.TIMEOUT,
                f"The embedder {self._model} did not answer within {serving.seconds:g} seconds; "
                f"{serving.advice}.",
            ) from error
        return checked(found, count=len(texts), provider=serving.provider)
