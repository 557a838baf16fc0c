"""Embeddings of an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.llm.openai_connection import OpenAiConnection
from services.memory.embedders.embedded_texts import unusable
from services.memory.embedders.served_embedder import ServedEmbedder, Serving

if TYPE_CHECKING:
    from services.llm.openai_sdk import OpenAiClient

_SERVING = Serving(provider="openai", batch=32, seconds=60.0, advice="try again later")


class OpenAiEmbedder(ServedEmbedder):
    """An ``Embedder`` over ``/embeddings``.

    Owns its connection. What people say is sent to the endpoint.
    """

    def __init__(self, model: str, connection: OpenAiConnection) -> None:
        super().__init__(model, _SERVING)
        self._connection = connection

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.aclose()

    async def ask(self, texts: list[str]) -> object:
        """Return the endpoint's vectors. Raises ``ProviderError``."""
        client = await self._connection.client()
        with self._connection.translated(self._model):
            answer = await _post(client, self._model, texts)
        return _vectors(answer)


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
