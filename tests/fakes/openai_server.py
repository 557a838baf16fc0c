"""A scripted server that speaks OpenAI's routes, with faults as data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar

from aiohttp import web

from tests.fakes.model_server import NEVER, Answer, ModelServer, fail_at


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedAnswer(Answer):
    """How one ``/chat/completions`` call is answered, with what only this protocol has.

    ``call_pieces`` are entries of ``delta.tool_calls``, one chunk each, after the content.
    ``refuses`` names body keys that are answered with OpenAI's 400 while they are sent. ``whole``
    answers in one JSON document. ``error`` that begins with ``{`` is sent as the error's body as it
    is.
    """

    thinking_field: str = "reasoning_content"
    call_pieces: Sequence[Mapping[str, object]] = ()
    refuses: Sequence[str] = ()
    separator: bytes = b"\n\n"
    comments: int = 0
    usage: bool = True
    done: bool = True
    hang_after_finish: bool = False
    whole: bool = False


def _tiny() -> dict[str, dict[str, object]] | None:
    return {"tiny": {}}


@dataclass(slots=True)
class FakeOpenAi(ModelServer):
    """An OpenAI-compatible server.

    ``models`` are the entries of ``/models`` by name; ``None`` means that there is no such route.
    ``key`` is what calls have to carry.
    """

    models: dict[str, dict[str, object]] | None = field(default_factory=_tiny)
    props: Mapping[str, object] | None = None
    key: str | None = None
    models_answer: HostedAnswer | None = None

    chat_path: ClassVar[str] = "/v1/chat/completions"
    prefix: ClassVar[str] = "/v1"

    def _routes(self) -> Iterable[web.RouteDef]:
        return (
            web.get("/v1/models", self._models),
            web.get("/props", self._props),
            web.post("/v1/chat/completions", self._chat),
        )

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
        given = self._next_answer(request)
        answer = given if isinstance(given, HostedAnswer) else _hosted(given)
        if answer.status != 200:
            return _error(answer)
        refused = next((name for name in answer.refuses if name in body), None)
        if refused is not None:
            return _refusal(refused)
        if answer.whole:
            return web.json_response(_whole(answer))
        headers = {"Content-Type": answer.content_type or "text/event-stream", **answer.headers}
        return await self._send(request, answer, _events(answer, request), headers=headers)


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
        await asyncio.sleep(NEVER)
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


def _hosted(answer: Answer) -> HostedAnswer:
    """Say the same in this server's words."""
    return HostedAnswer(**{each.name: getattr(answer, each.name) for each in fields(answer)})


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
