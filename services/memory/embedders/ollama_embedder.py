"""Embeddings of an Ollama server."""

from __future__ import annotations

from services.llm.ollama_connection import OllamaConnection
from services.memory.embedders.served_embedder import ServedEmbedder, Serving

_SERVING = Serving(provider="ollama", batch=16, seconds=120.0, advice="choose a smaller one")


class OllamaEmbedder(ServedEmbedder):
    """An ``Embedder`` over ``/api/embed``.

    Owns its connection. An answer may take two minutes, as the model may have to be loaded.
    """

    def __init__(self, model: str, connection: OllamaConnection) -> None:
        super().__init__(model, _SERVING)
        self._connection = connection

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.aclose()

    async def ask(self, texts: list[str]) -> object:
        """Return the server's vectors. Raises ``ProviderError``."""
        client = await self._connection.client()
        with self._connection.translated(self._model):
            answer = await client.embed(self._model, texts, truncate=True)
        return answer.embeddings
