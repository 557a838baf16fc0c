"""Embeddings of an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.llm.openai_connection import OpenAiConnection
from services.memory.embedders.embedded_texts import batches, checked, clean, nothing, unusable
from services.memory.embedding import Vectors

if TYPE_CHECKING:
    from services.llm.openai_sdk import OpenAiClient

_BATCH = 32
_SECONDS = 60.0


class OpenAiEmbedder:
    """An ``Embedder`` over ``/embeddings``; one batch of passages at a time, searches beside it.

    Owns its connection. What people say is sent to the endpoint.
    """

    def __init__(self, model: str, connection: OpenAiConnection) -> None:
        self._model = model
        self._connection = connection
        self._turn = asyncio.Semaphore()

    @property
    def id(self) -> str:
        """Name the engine and the model."""
        return f"openai:{self._model}"

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text. Raises ``ProviderError``."""
        made = []
        for part in batches(texts, _BATCH):
            async with self._turn:
                made.append(await self._ask(part))
        if len({part.shape[1] for part in made}) > 1:
            raise unusable("openai", "vectors of different lengths")
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
                    answer = await _post(client, self._model, texts)
        except TimeoutError as error:
            raise ProviderError(
                "openai",
                ProviderFault.TIMEOUT,
                f"The embedder {self._model} did not answer within {_SECONDS:g} seconds; "
                "try again later.",
            ) from error
        return checked(_vectors(answer), count=len(texts), provider="openai")


async def _post(client: OpenAiClient, model: str, texts: list[str]) -> object:
    return await client.post(
        "/embeddings",
        cast_to=object,
        body={"model": model, "input": texts, "encoding_format": "float"},
    )


def _vectors(answer: object) -> list[object]:
    """Return the vectors of an answer in the order of the texts."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        raise unusable("openai", "no list of vectors")
    numbered = [(item.get("index"), item.get("embedding")) for item in data]
    if sorted(str(index) for index, _ in numbered) == sorted(map(str, range(len(numbered)))):
        numbered.sort(key=lambda item: int(str(item[0])))
    return [vector for _, vector in numbered]
