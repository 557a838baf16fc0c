"""A scripted server that speaks Ollama's routes, with faults as data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web

from tests.fakes.model_server import Answer, ModelServer, Request, fail_at

__all__ = ["Answer", "FakeOllama", "Model", "Request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model the server has."""

    capabilities: Sequence[str] | None = ("completion", "tools")
    context_length: int | None = 32_768
    size: int = 1_000_000
    running: bool = False
    template: str = "{{ .Prompt }}"


@dataclass(slots=True)
class FakeOllama(ModelServer):
    """An Ollama server with ``models``; ``pull`` is what fetching one says."""

    models: dict[str, Model] = field(default_factory=lambda: {"tiny": Model()})
    pull: Sequence[Mapping[str, object]] = ({"status": "success"},)

    chat_path: ClassVar[str] = "/api/chat"

    def _routes(self) -> Iterable[web.RouteDef]:
        return (
            web.post("/api/chat", self._chat),
            web.post("/api/show", self._show),
            web.post("/api/pull", self._pull),
            web.get("/api/tags", self._tags),
            web.get("/api/ps", self._ps),
        )

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
        answer = self._next_answer(request)
        if answer.status != 200:
            return _error(answer.status, answer.error, answer.headers)
        if body["model"] not in self.models:
            return _error(404, f"model '{body['model']}' not found")
        headers = {"Content-Type": answer.content_type or "application/x-ndjson", **answer.headers}
        return await self._send(request, answer, _lines(answer, request), headers=headers)


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


def _entry(name: str, model: Model) -> dict[str, object]:
    return {"name": name, "model": name, "size": model.size, "details": {"family": "fake"}}


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    if text.startswith("<"):
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)
    return web.json_response({"error": text}, status=status, headers=headers)
