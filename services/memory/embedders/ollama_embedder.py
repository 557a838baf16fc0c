"""Embeddings of an Ollama server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.llm.ollama_connection import OllamaConnection
from services.memory.embedders.embedded_texts import batches, checked, clean, nothing, unusable
from services.memory.embedding import Vectors

_BATCH = 16
_SECONDS = 120.0


class OllamaEmbedder:
    """An ``Embedder`` over ``/api/embed``; one batch of passages at a time, searches beside it.

    Owns its connection. An answer may take two minutes, as the model may have to be loaded.
    """

    def __init__(self, model: str, connection: OllamaConnection) -> None:
        self._model = model
        self._connection = connection
        self._turn = asyncio.Semaphore()

    @property
    def id(self) -> str:
        """Name the engine and the model."""
        return f"ollama:{self._model}"

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text. Raises ``ProviderError``."""
        made = []
        for part in batches(texts, _BATCH):
            async with self._turn:
                made.append(await self._ask(part))
        if len({part.shape[1] for part in made}) > 1:
            raise unusable("ollama", "vectors of different lengths")
        return np.concatenate(made) if made else nothing()

    async def query(self, text: str, /) -> Vectors:
        """Return the vector of a search. Raises ``ProviderError``."""
        found = await self._ask([clean(text)])
        return np.asarray(found[0])

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.aclose()

    async def _ask(self, texts: list[str]) -> Vectors:
        client = await self._connection.client()
        try:
            with self._connection.translated(self._model):
                async with asyncio.timeout(_SECONDS):
                    answer = await client.embed(self._model, texts, truncate=True)
        except TimeoutError as error:
            raise ProviderError(
                "ollama",
                ProviderFault.TIMEOUT,
                f"The embedder {self._model} did not answer within {_SECONDS:g} seconds; "
                "choose a smaller one.",
            ) from error
        return checked(answer.embeddings, count=len(texts), provider="ollama")
