"""A scripted server that speaks Ollama's routes, with faults as data."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

NEVER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one ``/api/chat`` call is answered; every ``*_after`` counts content pieces.

    ``thinking`` comes before the pieces, ``tool_calls`` after them. ``write_bytes`` cuts what is
    sent into packets of so many bytes, also in the middle of a character.
    """

    pieces: Sequence[str] = ("Hello", " there", ".")
    thinking: Sequence[str] = ()
    tool_calls: Sequence[tuple[str, object]] = ()
    done_reason: str = "stop"
    prompt_tokens: int = 20
    cached_tokens: int | None = None
    status: int = 200
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/x-ndjson"
    delay_first: float = 0.0
    delay_each: float = 0.0
    stall_after: int | None = None
    cut_after: int | None = None
    end_after: int | None = None
    error_after: int | None = None
    raw_after: tuple[int, bytes] | None = None
    endless: bool = False
    write_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model the server has."""

    capabilities: Sequence[str] | None = ("completion", "tools")
    context_length: int | None = 32_768
    size: int = 1_000_000
    running: bool = False
    template: str = "{{ .Prompt }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call the server received."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]


class Gone(Exception):  # noqa: N818
    """The answer ends here, without its rest."""


@dataclass(slots=True)
class FakeOllama:
    """``answers`` are given in order, ``default`` afterwards; times are the event loop's.

    ``asked`` is set at the first call, ``busy`` once a chat call is being answered, ``left`` once
    a client left in the middle.
    """

    models: dict[str, Model] = field(default_factory=lambda: {"tiny": Model()})
    answers: deque[Answer] = field(default_factory=deque)
    default: Answer = field(default_factory=Answer)
    pull: Sequence[Mapping[str, object]] = ({"status": "success"},)
    requests: list[Request] = field(default_factory=list)
    disconnects: list[float] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    peers: set[object] = field(default_factory=set)
    active: int = 0
    most_active: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[FakeOllama, None]:
        """Serve on 127.0.0.1 inside the context."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/api/chat", self._chat)
        app.router.add_post("/api/show", self._show)
        app.router.add_post("/api/pull", self._pull)
        app.router.add_get("/api/tags", self._tags)
        app.router.add_get("/api/ps", self._ps)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        try:
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    @property
    def connections(self) -> int:
        """How many connections the calls came by."""
        return len(self.peers)

    @property
    def chats(self) -> list[Request]:
        """The chat calls received."""
        return [request for request in self.requests if request.path == "/api/chat"]

    async def _note(self, request: web.Request) -> dict[str, object]:
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        text = await request.text()
        body = json.loads(text) if text else {}
        self.asked.set()
        self.requests.append(Request(path=request.path, headers=dict(request.headers), body=body))
        return body

    async def _tags(self, request: web.Request) -> web.Response:
        await self._note(request)
        return web.json_response({"models": [_entry(*item) for item in self.models.items()]})

    async def _ps(self, request: web.Request) -> web.Response:
        await self._note(request)
        models = [_entry(name, model) for name, model in self.models.items() if model.running]
        return web.json_response({"models": models})

    async def _show(self, request: web.Request) -> web.Response:
        body = await self._note(request)
        model = self.models.get(str(body["model"]))
        if model is None:
            return _error(404, f"model '{body['model']}' not found")
        info = {} if model.context_length is None else {"fake.context_length": model.context_length}
        shown: dict[str, object] = {
            "template": model.template,
            "details": {"parameter_size": "1B", "family": "fake"},
            "model_info": info,
        }
        if model.capabilities is not None:
            shown["capabilities"] = list(model.capabilities)
        return web.json_response(shown)

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        await self._note(request)
        response = web.StreamResponse()
        await response.prepare(request)
        for line in self.pull:
            await response.write(json.dumps(line).encode() + b"\n")
        return response

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._note(request)
        answer = self.answers.popleft() if self.answers else self.default
        if answer.status != 200:
            return _error(answer.status, answer.error, answer.headers)
        if body["model"] not in self.models:
            return _error(404, f"model '{body['model']}' not found")
        self.active += 1
        self.busy.set()
        self.most_active = max(self.most_active, self.active)
        try:
            return await self._answer(request, answer)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects.append(asyncio.get_running_loop().time())
            self.left.set()
            raise
        finally:
            self.active -= 1

    async def _answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": answer.content_type})
        await response.prepare(request)
        await asyncio.sleep(answer.delay_first)
        try:
            async for line in _lines(answer, request):
                for packet in packets(line, answer.write_bytes):
                    await response.write(packet)
        except Gone:
            pass
        return response


async def _lines(answer: Answer, request: web.Request) -> AsyncGenerator[bytes, None]:
    for thought in answer.thinking:
        yield _line({"role": "assistant", "content": "", "thinking": thought})
    count = 0
    await fail_at(answer, 0, request)
    while count < len(answer.pieces) or answer.endless:
        yield _line({"role": "assistant", "content": answer.pieces[count % len(answer.pieces)]})
        count += 1
        if answer.raw_after is not None and answer.raw_after[0] == count:
            yield answer.raw_after[1]
        if answer.error_after == count:
            yield json.dumps({"error": answer.error}).encode() + b"\n"
        await fail_at(answer, count, request)
        await asyncio.sleep(answer.delay_each)
    if answer.tool_calls:
        calls = [
            {"function": {"name": name, "arguments": arguments}}
            for name, arguments in answer.tool_calls
        ]
        yield _line({"role": "assistant", "content": "", "tool_calls": calls})
    yield _last(answer, count)


async def fail_at(answer: Answer, count: int, request: web.Request) -> None:
    """Do what is to happen after ``count`` pieces; raises ``Gone`` when nothing may follow."""
    if answer.stall_after == count:
        await asyncio.sleep(NEVER)
    if answer.cut_after == count:
        if request.transport is not None:
            request.transport.abort()
        raise Gone
    if answer.end_after == count:
        raise Gone


def _line(message: Mapping[str, object]) -> bytes:
    value = {"model": "tiny", "message": message, "done": False}
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _last(answer: Answer, count: int) -> bytes:
    value: dict[str, object] = {
        "model": "tiny",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": answer.done_reason,
        "prompt_eval_count": answer.prompt_tokens,
        "eval_count": count,
    }
    if answer.cached_tokens is not None:
        value["prompt_eval_cached"] = answer.cached_tokens
    return json.dumps(value).encode() + b"\n"


def packets(data: bytes, size: int | None) -> list[bytes]:
    """Cut ``data`` into packets of ``size`` bytes, or leave it whole."""
    size = size or len(data)
    return [data[start : start + size] for start in range(0, len(data), size)]


def _entry(name: str, model: Model) -> dict[str, object]:
    return {"name": name, "model": name, "size": model.size, "details": {"family": "fake"}}


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    if text.startswith("<"):
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)
    return web.json_response({"error": text}, status=status, headers=headers)
