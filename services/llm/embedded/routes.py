"""Ollama's routes for the one model of this process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.domain.clock import Clock
from services.llm.embedded.answers import Answer
from services.llm.embedded.gguf import GgufHeader
from services.llm.embedded.llama import Chunk, LlamaRefusal
from services.llm.embedded.slots import Slots
from services.llm.embedded.wire import ChatBody, GenerateBody, JsonObject, NamedBody, sampling

Body = TypeVar("Body", bound=BaseModel)

_MOST_BODY_BYTES = 32 << 20
_LOCAL_HOSTS = ("127.0.0.1", "localhost")
_NEVER = datetime(2318, 1, 1, tzinfo=UTC).isoformat()


class Unservable(Exception):  # noqa: N818
    """The request is answered with ``status`` and an error in Ollama's form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What the routes tell of the model; ``digest`` names its contents.

    ``bound_calls`` says that the engine can hold a call to its tool's schema.
    """

    name: str
    path: Path
    header: GgufHeader
    num_ctx: int
    digest: str
    version: str
    bound_calls: bool = True

    @property
    def chooses_tools(self) -> bool:
        """Say whether a model's first word decides about tools, and not its own chat format.

        A model that thinks first has no such word.
        """
        return self.bound_calls and "<think>" not in self.header.chat_template

    def knows(self, name: str) -> bool:
        """Say whether ``name`` means this model: its name or file name, with or without a tag."""
        asked = name.lower().removesuffix(":latest").removesuffix(".gguf")
        return asked in (self.name.lower(), self.path.stem.lower())

    @property
    def tools(self) -> bool:
        """Say whether the model can be offered tools."""
        return self.chooses_tools or self.header.tools

    def details(self) -> JsonObject:
        """Return Ollama's ``details``."""
        family = self.header.architecture
        size = self.header.parameters
        return {
            "parent_model": "",
            "format": "gguf",
            "family": family,
            "families": [family],
            "parameter_size": f"{size / 1e9:.1f}B" if size >= 1e9 else f"{size / 1e6:.0f}M",
            "quantization_level": self.header.quantization,
        }

    def entry(self) -> JsonObject:
        """Return the model's entry in ``/api/tags``."""
        status = self.path.stat()
        return {
            "name": self.name,
            "model": self.name,
            "modified_at": datetime.fromtimestamp(status.st_mtime, UTC).isoformat(),
            "size": status.st_size,
            "digest": self.digest,
            "details": self.details(),
        }


class Routes:
    """The handlers. Those that need the model wait until ``loaded`` holds it."""

    def __init__(self, card: ModelCard, loaded: asyncio.Future[Slots], clock: Clock) -> None:
        self._card = card
        self._loaded = loaded
        self._clock = clock

    def application(self) -> web.Application:
        """Return the application that serves the routes."""
        app = web.Application(middlewares=[_in_ollamas_words], client_max_size=_MOST_BODY_BYTES)
        app.add_routes(
            [
                web.get("/", self._root),
                web.get("/api/version", self._version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/pull", self._pull),
                web.post("/api/chat", self._chat),
                web.post("/api/generate", self._generate),
                web.post("/api/embed", self._embed),
                web.post("/api/embeddings", self._embed),
            ]
        )
        return app

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": self._card.version})

    async def _tags(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [self._card.entry()]})

    async def _ps(self, request: web.Request) -> web.Response:
        if not self._loaded.done():
            return web.json_response({"models": []})
        running = {"expires_at": _NEVER, "size_vram": 0, "context_length": self._card.num_ctx}
        return web.json_response({"models": [self._card.entry() | running]})

    async def _show(self, request: web.Request) -> web.Response:
        await self._named(request)
        header = self._card.header
        family = header.architecture
        # The context that is served, not the one of the training: clients pack prompts for it.
        info = dict(header.values) | {
            "general.parameter_count": header.parameters,
            f"{family}.context_length": self._card.num_ctx,
        }
        info.pop("tokenizer.chat_template", None)
        return web.json_response(
            {
                "modelfile": "",
                "parameters": f"num_ctx {self._card.num_ctx}",
                "template": header.chat_template,
                "details": self._card.details(),
                "model_info": info,
                "capabilities": ["completion", *(["tools"] if self._card.tools else [])],
                "modified_at": self._card.entry()["modified_at"],
            }
        )

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        body = await self._named(request, missing="only the built-in model is served here")
        if not body.stream:
            return web.json_response({"status": "success"})
        lines = b"".join(_encoded({"status": s}) for s in ("pulling manifest", "success"))
        return web.Response(body=lines, content_type="application/x-ndjson")

    async def _named(self, request: web.Request, *, missing: str = "") -> NamedBody:
        body = await _read(request, NamedBody)
        self._demand(body.model or body.name, missing)
        return body

    def _demand(self, name: str, missing: str = "") -> None:
        if not self._card.knows(name):
            raise Unservable(404, f"model '{name}' not found" + (f": {missing}" if missing else ""))

    async def _embed(self, request: web.Request) -> web.Response:
        raise Unservable(501, "the built-in model makes no embeddings")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await _read(request, ChatBody)
        self._demand(body.model)
        if any(message.images for message in body.messages):
            raise Unservable(400, "the built-in model does not see images")
        slots, answer = await self._begin()
        if not body.messages:
            return web.json_response(answer.empty("load"))
        if request.headers.get("X-Acore-Prefill") == "1":
            return web.json_response(answer.empty("stop", await slots.prefill(body)))
        chunks = slots.chat(body, background=_background(request))
        return await _respond(request, answer, chunks, stream=body.stream)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        body = await _read(request, GenerateBody)
        self._demand(body.model)
        if body.images:
            raise Unservable(400, "the built-in model does not see images")
        slots, answer = await self._begin(chat=False)
        if not body.prompt:
            return web.json_response(answer.empty("load"))
        background = _background(request)
        if body.raw:
            chunks = slots.complete(body.prompt, sampling(body), background=background)
        else:
            chunks = slots.chat(body.as_chat(), background=background)
        return await _respond(request, answer, chunks, stream=body.stream)

    async def _begin(self, *, chat: bool = True) -> tuple[Slots, Answer]:
        began = time.perf_counter_ns()
        slots = await asyncio.shield(self._loaded)
        waited = time.perf_counter_ns() - began
        answer = Answer(model=self._card.name, clock=self._clock, chat=chat, waited_ns=waited)
        return slots, answer


async def _respond(
    request: web.Request, answer: Answer, chunks: AsyncGenerator[Chunk, None], *, stream: bool
) -> web.StreamResponse:
    async with aclosing(chunks):
        if not stream:
            async for chunk in chunks:
                answer.take(chunk)
            return web.json_response(answer.whole())
        # Refusals come before the first chunk, while the status can still tell of them.
        pending = await anext(chunks, None)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            while pending is not None:
                if line := answer.take(pending):
                    await response.write(_encoded(line))
                pending = await anext(chunks, None)
        except LlamaRefusal as error:
            await response.write(_encoded({"error": str(error)}))
        else:
            if line := answer.calls():
                await response.write(_encoded(line))
            await response.write(_encoded(answer.last()))
        await response.write_eof()
        return response


async def _read(request: web.Request, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise Unservable(400, f"invalid request: {said}") from error


@web.middleware
async def _in_ollamas_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        _demand_local(request)
        return await handler(request)
    except (Unservable, LlamaRefusal) as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)


def _demand_local(request: web.Request) -> None:
    """Refuse web pages: those that call from another origin, and those that rebind a name."""
    if "Origin" in request.headers or request.url.host not in _LOCAL_HOSTS:
        raise Unservable(403, "only programs on this machine may use the built-in model")


def _background(request: web.Request) -> bool:
    return request.headers.get("X-Acore-Priority", "").lower() == "background"


def _encoded(line: JsonObject) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"
