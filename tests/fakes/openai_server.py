"""A scripted server that speaks OpenAI's routes, with faults as data."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes import ollama_server
from tests.fakes.ollama_server import Gone, Request, fail_at, packets


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedAnswer(ollama_server.Answer):
    """How one ``/chat/completions`` call is answered; the rest is as for the Ollama fake.

    ``call_pieces`` are entries of ``delta.tool_calls``, one chunk each, after the content.
    ``dropped`` closes the connection without a word. ``refuses`` names body keys that are answered
    with OpenAI's 400 while they are sent. ``whole`` answers in one JSON document. ``packet_delay``
    is the pause between packets of ``write_bytes``. ``error`` that begins with ``{`` is sent as the
    error's body as it is.
    """

    content_type: str = "text/event-stream"
    thinking_field: str = "reasoning_content"
    call_pieces: Sequence[Mapping[str, object]] = ()
    dropped: bool = False
    refuses: Sequence[str] = ()
    separator: bytes = b"\n\n"
    comments: int = 0
    usage: bool = True
    done: bool = True
    hang_after_finish: bool = False
    whole: bool = False
    packet_delay: float = 0.0


def _tiny() -> dict[str, dict[str, object]] | None:
    return {"tiny": {}}


@dataclass(slots=True)
class FakeOpenAi:
    """``answers`` are given in order, ``default`` afterwards; times are the event loop's.

    ``models`` are the entries of ``/models`` by name; ``None`` means that there is no such route.
    ``key`` is what calls have to carry. ``busy`` is set once a chat call is being answered,
    ``left`` once a client left in the middle.
    """

    models: dict[str, dict[str, object]] | None = field(default_factory=_tiny)
    props: Mapping[str, object] | None = None
    key: str | None = None
    answers: deque[ollama_server.Answer] = field(default_factory=deque)
    default: ollama_server.Answer = field(default_factory=HostedAnswer)
    models_answer: HostedAnswer | None = None
    requests: list[Request] = field(default_factory=list)
    disconnects: list[float] = field(default_factory=list)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    peers: set[object] = field(default_factory=set)
    active: int = 0
    most_active: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[FakeOpenAi, None]:
        """Serve on 127.0.0.1 inside the context; ``url`` ends in ``/v1``."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/props", self._props)
        app.router.add_post("/v1/chat/completions", self._chat)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        try:
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
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
        return [each for each in self.requests if each.path.endswith("/chat/completions")]

    async def _note(self, request: web.Request) -> dict[str, object]:
        self.peers.add(request.transport and request.transport.get_extra_info("peername"))
        text = await request.text()
        body: dict[str, object] = json.loads(text) if text else {}
        self.requests.append(Request(path=request.path, headers=dict(request.headers), body=body))
        return body

    def _unauthorized(self, request: web.Request) -> bool:
        return bool(self.key) and request.headers.get("Authorization") != f"Bearer {self.key}"

    async def _models(self, request: web.Request) -> web.StreamResponse:
        await self._note(request)
        if self._unauthorized(request):
            return _error(HostedAnswer(status=401, error="Incorrect API key provided"))
        if self.models_answer is not None:
            return _error(self.models_answer)
        if self.models is None:
            return web.Response(status=404, text="404 page not found")
        entries = [{"id": name, "object": "model", **more} for name, more in self.models.items()]
        return web.json_response({"object": "list", "data": entries})

    async def _props(self, request: web.Request) -> web.StreamResponse:
        await self._note(request)
        if self.props is None:
            return web.Response(status=404, text="not found")
        return web.json_response(self.props)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._note(request)
        if self._unauthorized(request):
            return _error(HostedAnswer(status=401, error="Incorrect API key provided"))
        given = self.answers.popleft() if self.answers else self.default
        answer = given if isinstance(given, HostedAnswer) else _hosted(given)
        if answer.dropped and request.transport is not None:
            request.transport.abort()
        if answer.status != 200:
            return _error(answer)
        refused = next((name for name in answer.refuses if name in body), None)
        if refused is not None:
            return _refusal(refused)
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

    async def _answer(self, request: web.Request, answer: HostedAnswer) -> web.StreamResponse:
        if answer.whole:
            return web.json_response(_whole(answer))
        headers = {"Content-Type": answer.content_type, **answer.headers}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await asyncio.sleep(answer.delay_first)
        try:
            async for event in _events(answer, request):
                for packet in packets(event, answer.write_bytes):
                    await response.write(packet)
                    if answer.packet_delay:
                        await asyncio.sleep(answer.packet_delay)
        except Gone:
            pass
        return response


async def _events(answer: HostedAnswer, request: web.Request) -> AsyncGenerator[bytes, None]:
    end = answer.separator
    for _ in range(answer.comments):
        yield b": PROCESSING" + end
    yield _event({"role": "assistant", "content": ""}, end)
    for thought in answer.thinking:
        yield _event({answer.thinking_field: thought}, end)
    count = 0
    await fail_at(answer, 0, request)
    while count < len(answer.pieces) or answer.endless:
        yield _event({"content": answer.pieces[count % len(answer.pieces)]}, end)
        count += 1
        if answer.raw_after is not None and answer.raw_after[0] == count:
            yield answer.raw_after[1]
        if answer.error_after == count:
            yield b"data: " + _error_text(answer).encode() + end
        await fail_at(answer, count, request)
        await asyncio.sleep(answer.delay_each)
    async for event in _ending(answer):
        yield event


async def _ending(answer: HostedAnswer) -> AsyncGenerator[bytes, None]:
    end = answer.separator
    for piece in _pieces(answer):
        yield _event({"tool_calls": [piece]}, end)
    yield _event({}, end, _finish(answer))
    if answer.hang_after_finish:
        await asyncio.sleep(ollama_server.NEVER)
    if answer.usage:
        yield b"data: " + json.dumps({"choices": [], "usage": _usage(answer)}).encode() + end
    if answer.done:
        yield b"data: [DONE]" + end


def _pieces(answer: HostedAnswer) -> list[Mapping[str, object]]:
    whole: list[Mapping[str, object]] = [
        {
            "index": index,
            "id": f"server_{index}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for index, (name, given) in enumerate(answer.tool_calls)
    ]
    return [*whole, *answer.call_pieces]


def _finish(answer: HostedAnswer) -> str:
    called = answer.tool_calls or answer.call_pieces
    return "tool_calls" if called and answer.done_reason == "stop" else answer.done_reason


def _event(delta: Mapping[str, object], end: bytes, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    value = {"id": "x", "object": "chat.completion.chunk", "choices": [choice], "usage": None}
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + end


def _usage(answer: HostedAnswer) -> dict[str, object]:
    usage: dict[str, object] = {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": len(answer.pieces),
    }
    if answer.cached_tokens is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": answer.cached_tokens}
    return usage


def _whole(answer: HostedAnswer) -> dict[str, object]:
    message = {
        "role": "assistant",
        "content": "".join(answer.pieces),
        answer.thinking_field: "".join(answer.thinking),
        "tool_calls": _pieces(answer) or None,
    }
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return {"object": "chat.completion", "choices": [choice], "usage": _usage(answer)}


def _hosted(answer: ollama_server.Answer) -> HostedAnswer:
    """Say the same in this server's words."""
    given = {name: getattr(answer, name) for name in ollama_server.Answer.__slots__}
    if given["content_type"] == ollama_server.Answer().content_type:
        del given["content_type"]
    return HostedAnswer(**given)


def _refusal(name: str) -> web.Response:
    hint = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
    error = {
        "message": f"Unsupported parameter: '{name}' is not supported with this model.{hint}",
        "type": "invalid_request_error",
        "param": name,
        "code": "unsupported_parameter",
    }
    return web.json_response({"error": error}, status=400)


def _error_text(answer: HostedAnswer) -> str:
    if answer.error.startswith("{"):
        return answer.error
    return json.dumps({"error": {"message": answer.error, "type": "error"}})


def _error(answer: HostedAnswer) -> web.Response:
    page = answer.error.startswith("<")
    return web.Response(
        status=answer.status,
        text=answer.error if page else _error_text(answer),
        content_type="text/html" if page else "application/json",
        headers=answer.headers,
    )
