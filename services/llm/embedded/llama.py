"""Talks to the llama.cpp server of this process over its own loopback port."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from services.llm.embedded.wire import JsonObject

_LINE_BYTES = 1 << 20
_DATA = b"data: "


class Fragment(BaseModel):
    """A piece of a tool call; the arguments of one ``index`` arrive in several."""

    class Function(BaseModel):
        """The name, which comes once, and a part of the arguments' JSON."""

        name: str | None = None
        arguments: str | None = None

    index: int = 0
    function: Function = Field(default_factory=Function)


class Delta(BaseModel):
    """What a chunk adds to the answer."""

    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: Sequence[Fragment] = ()


class Weighed(BaseModel):
    """A token that could stand at a place, and the logarithm of how probable it is there."""

    token: str = ""
    logprob: float = 0.0


class Place(BaseModel):
    """The tokens that are most probable at one place of the answer."""

    top_logprobs: Sequence[Weighed] = ()


class Places(BaseModel):
    """Probabilities, where they were asked for."""

    content: Sequence[Place] | None = None


class Choice(BaseModel):
    """The one answer a chunk is about; ``text`` stands in for ``delta`` with raw prompts."""

    delta: Delta = Field(default_factory=Delta)
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Places | None = None


class Timings(BaseModel):
    """What an answer cost: tokens found in the cache, evaluated and generated."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0


class Fault(BaseModel):
    """An error as llama.cpp words it."""

    code: int = 500
    message: str = ""
    type: str = ""
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class Chunk(BaseModel):
    """One event of a streamed answer; ``prompt_progress`` ones only tell that work goes on."""

    choices: Sequence[Choice] = ()
    timings: Timings | None = None
    error: Fault | None = None
    prompt_progress: JsonObject | None = None


class LlamaRefusal(Exception):  # noqa: N818
    """llama.cpp did not answer; ``status`` and the text are meant for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class LlamaServer:
    """The routes of llama.cpp's server that are used here.

    A request is stopped by closing its generator or cancelling the caller. llama.cpp looks for
    the closed connection after each event of the request, and otherwise only after a second in
    which neither slot produced anything; progress events are asked for so that a long prompt is
    not evaluated to its end beside a busy slot.
    """

    def __init__(self, address: str, *, key: str) -> None:
        # Without keep-alive: llama.cpp closes connections that it refused something on.
        self._session = aiohttp.ClientSession(
            address,
            headers={"Authorization": f"Bearer {key}"},
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=_LINE_BYTES,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def chat(self, slot: int, request: JsonObject) -> AsyncGenerator[Chunk, None]:
        """Answer a chat in ``slot``, whose cache is used; raises ``LlamaRefusal``."""
        async with aclosing(self._stream("/v1/chat/completions", slot, request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def complete(self, slot: int, request: JsonObject) -> AsyncGenerator[Chunk, None]:
        """Continue the raw text ``prompt`` in ``slot``; raises ``LlamaRefusal``."""
        async with aclosing(self._stream("/v1/completions", slot, request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def render(self, request: JsonObject) -> str:
        """Return the prompt text that the chat format makes of ``request``."""
        return str((await self._ask("/apply-template", request)).get("prompt", ""))

    async def count(self, prompt: str) -> int:
        """Return how many tokens ``prompt`` has."""
        request: JsonObject = {"content": prompt, "add_special": True, "parse_special": True}
        tokens = (await self._ask("/tokenize", request)).get("tokens")
        return len(tokens) if isinstance(tokens, list) else 0

    async def save(self, slot: int, file_name: str) -> int:
        """Write the state of ``slot`` into the prefix folder; return its tokens."""
        return _number(await self._slot(slot, "save", file_name), "n_saved")

    async def restore(self, slot: int, file_name: str) -> int:
        """Read the state of ``slot`` from the prefix folder; return its tokens."""
        return _number(await self._slot(slot, "restore", file_name), "n_restored")

    async def _slot(self, slot: int, action: str, file_name: str) -> JsonObject:
        return await self._ask(f"/slots/{slot}?action={action}", {"filename": file_name})

    async def _ask(self, path: str, request: JsonObject) -> JsonObject:
        async with self._session.post(path, json=request) as response:
            if response.status != 200:
                raise _refusal(response.status, await response.read())
            answer: JsonObject = await response.json()
            return answer

    async def _stream(
        self, path: str, slot: int, request: JsonObject
    ) -> AsyncGenerator[Chunk, None]:
        body = {
            **request,
            "id_slot": slot,
            "cache_prompt": True,
            "stream": True,
            "return_progress": True,
        }
        async with self._session.post(path, json=body) as response:
            if response.status != 200:
                raise _refusal(response.status, await response.read())
            async for line in response.content:
                if not line.startswith(_DATA) or line.startswith(b"data: [DONE]"):
                    continue
                chunk = Chunk.model_validate_json(line[len(_DATA) :])
                if chunk.error is not None:
                    raise _worded(chunk.error.code, chunk.error)
                yield chunk


def _number(answer: JsonObject, key: str) -> int:
    value = answer.get(key)
    return value if isinstance(value, int) else 0


def _refusal(status: int, body: bytes) -> LlamaRefusal:
    try:
        fault = Chunk.model_validate_json(body).error or Fault()
    except ValidationError:
        fault = Fault()
    return _worded(status, fault)


def _worded(status: int, fault: Fault) -> LlamaRefusal:
    if fault.type == "exceed_context_size_error":
        return LlamaRefusal(
            400,
            f"the prompt has {fault.n_prompt_tokens} tokens and the context "
            f"holds {fault.n_ctx}; shorten it or raise ACORE_EMBEDDED__NUM_CTX",
        )
    return LlamaRefusal(status, fault.message or "the model could not answer")
