"""A server with the embedding routes of Ollama and of OpenAI, and with faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.hash_embedder import HashEmbedder


@dataclass(slots=True)
class EmbeddingServer:
    """Embeds by hashing. ``status`` other than 200 refuses, ``raw`` is sent as it is.

    ``bodies`` are the requests received, ``seconds`` is how long each takes.
    """

    embedder: HashEmbedder = field(default_factory=HashEmbedder)
    status: int = 200
    error: str = "went wrong"
    raw: bytes | None = None
    seconds: float = 0.0
    shuffled: bool = False
    bodies: list[Mapping[str, object]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[EmbeddingServer, None]:
        """Serve on 127.0.0.1 inside the context."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/api/embed", self._ollama)
        app.router.add_post("/v1/embeddings", self._openai)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _ollama(self, request: web.Request) -> web.Response:
        vectors, refusal = await self._answer(request)
        if refusal is not None:
            return refusal
        return web.json_response({"model": "m", "embeddings": vectors})

    async def _openai(self, request: web.Request) -> web.Response:
        vectors, refusal = await self._answer(request)
        if refusal is not None:
            return refusal
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        if self.shuffled:
            data.reverse()
        return web.json_response({"object": "list", "data": data, "model": "m", "usage": {}})

    async def _answer(self, request: web.Request) -> tuple[list[list[float]], web.Response | None]:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("Authorization"))
        await asyncio.sleep(self.seconds)
        if self.raw is not None:
            return [], web.Response(body=self.raw, content_type="application/json")
        if self.status != 200:
            text = json.dumps({"error": self.error})
            return [], web.Response(text=text, status=self.status, content_type="application/json")
        return [self.embedder.vector(text).tolist() for text in body["input"]], None
