"""Models served over Ollama's API, by Ollama or by the built-in server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatRequest, Health, ModelEvent, ModelInfo
from services.llm.ollama_answer import OllamaAnswer
from services.llm.ollama_connection import HostSource, OllamaConnection
from services.llm.ollama_faults import broken_off, missing, too_slow, unreachable
from services.llm.ollama_wire import Line, chat_body, chat_headers, read_line
from services.llm.priority import Lease, Preempted, ProviderLane
from services.llm.tokens import CalibratedTokens
from services.settings import LlmSettings

if TYPE_CHECKING:
    from ollama import ShowResponse

    from services.llm.ollama_sdk import OllamaClient

_ASK_SECONDS = 15.0
_DRAIN_SECONDS = 0.1
_CANDIDATES = 8


class _LearntToDoWithout(Exception):  # noqa: N818
    """The model cannot do something the request used; it was noted and nothing was shown yet."""


class NotOpenedError(RuntimeError):
    """A model was used before ``open``."""


class OllamaModel:
    """A ``ChatModel`` on an Ollama server; constructing it does no I/O.

    ``name`` ``None`` takes a model that is running, else the server's first. Every call sends the
    same ``num_ctx``: the smaller of the one given and what the model was trained for. Tools go the
    native way where the model has it, else as text. ``host`` may be a connection shared with other
    models, which then is closed by its owner.
    """

    def __init__(
        self,
        name: str | None,
        *,
        host: str | HostSource | OllamaConnection,
        settings: LlmSettings,
        num_ctx: int,
        clock: Clock,
        lane: ProviderLane,
        tokens: CalibratedTokens | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._num_ctx = num_ctx
        self._clock = clock
        self._lane = lane
        self._tokens = tokens
        self._owned = not isinstance(host, OllamaConnection)
        self._connection = (
            host
            if isinstance(host, OllamaConnection)
            else OllamaConnection(host, connect_timeout=settings.connect_timeout_seconds)
        )
        self._opening = asyncio.Lock()
        self._info: ModelInfo | None = None
        self._opened_in_thought = False
        self._call_ids = (f"call_{number}" for number in itertools.count(1))

    @property
    def info(self) -> ModelInfo:
        """What is known of the model since ``open``."""
        if self._info is None:
            raise NotOpenedError
        return self._info

    async def open(self) -> ModelInfo:
        """Ask the server about the model once; later calls return the same answer.

        Raises ``ProviderError`` (``UNREACHABLE``, ``MODEL_MISSING``), after which it may be tried
        again.
        """
        async with self._opening:
            if self._info is None:
                self._info = await self._ask()
        return self._info

    async def probe(self) -> Health:
        """Say whether the server answers and has the model; never raises ``ProviderError``."""
        try:
            info = await self._ask()
        except ProviderError as error:
            return Health(ok=False, detail=error.user_message)
        return Health(ok=True, detail=f"The model {info.name} is ready to answer.")

    async def aclose(self) -> None:
        """Close the connection unless it is shared."""
        if self._owned:
            await self._connection.aclose()

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request`` piece by piece; closing the generator closes the connection.

        Waits for a place in the server's lane first, by the request's priority. What was held back
        is yielded before a ``ProviderError`` that comes in the middle. An answer beyond the
        configured time or length is cut off and ends with ``length``.
        """
        async with self._lane.slot(request.priority, request.tenant) as lease:
            while True:
                try:
                    async with aclosing(self._answer(request, lease)) as events:
                        async for event in events:
                            yield event
                except _LearntToDoWithout:
                    continue
                return

    async def _answer(self, request: ChatRequest, lease: Lease) -> AsyncGenerator[ModelEvent, None]:
        info = self.info
        client = await self._connection.client()
        answer = OllamaAnswer(
            request,
            settings=self._settings,
            clock=self._clock,
            opened_in_thought=self._opened_in_thought,
            call_ids=self._call_ids,
        )
        body = chat_body(
            request,
            info,
            native_tools=info.tools,
            think=info.thinking,
            keep_alive=self._settings.keep_alive,
        )
        async with aclosing(client.lines("/api/chat", body, chat_headers(request))) as lines:
            failure: ProviderError | None = None
            while not answer.over and failure is None:
                try:
                    line = await self._next(lines, lease, answer)
                except Preempted:
                    raise
                except ProviderError as error:
                    if not answer.begun and self._learn(error, request):
                        raise _LearntToDoWithout from error
                    failure = error
                else:
                    for event in answer.take(line) if line is not None else ():
                        yield event
            if answer.complete:
                await self._drain(lines)
        for event in answer.rest():
            yield event
        if failure is not None:
            raise failure
        self._calibrate(request, answer)
        yield answer.ended()

    async def _next(
        self,
        lines: AsyncGenerator[Mapping[str, object], None],
        lease: Lease,
        answer: OllamaAnswer,
    ) -> Line | None:
        """Return the next line, or ``None`` when the answer was cut off for taking too long."""
        try:
            with self._connection.translated(self.info.name):
                async with lease.within(answer.patience()):
                    line = await anext(lines, None)
                if line is not None:
                    return read_line(line)
        except TimeoutError as error:
            if answer.timed_out():
                answer.cut()
                return None
            seconds = (
                self._settings.stall_timeout_seconds
                if answer.begun
                else self._settings.first_token_timeout_seconds
            )
            raise too_slow(
                self._connection.endpoint, self.info.name, seconds, begun=answer.begun
            ) from error
        raise broken_off(self._connection.endpoint)

    async def _drain(self, lines: AsyncGenerator[Mapping[str, object], None]) -> None:
        """Let a complete answer's stream end, so that its connection can be used again."""
        with suppress(ProviderError, TimeoutError), self._connection.translated():
            async with asyncio.timeout(_DRAIN_SECONDS):
                await anext(lines, None)

    def _learn(self, error: ProviderError, request: ChatRequest) -> bool:
        """Note that the model lacks what the request used; say whether that was news."""
        if error.fault is not ProviderFault.UNSUPPORTED:
            return False
        info = self.info
        if "tools" in error.detail and info.tools and request.tools:
            self._info = replace(info, tools=False)
        elif "think" in error.detail and info.thinking and request.think is not None:
            self._info = replace(info, thinking=False)
        return self._info is not info

    def _calibrate(self, request: ChatRequest, answer: OllamaAnswer) -> None:
        counted = answer.usage.prompt_tokens
        pictures = any(message.images for message in request.messages)
        if self._tokens is not None and counted and not pictures:
            self._tokens.observe(self._tokens.raw(request.messages, request.tools), counted)

    async def _ask(self) -> ModelInfo:
        """Ask the server about the model."""
        client = await self._connection.client()
        known = self._name or (self._info.name if self._info else None)
        try:
            with self._connection.translated(known):
                async with asyncio.timeout(_ASK_SECONDS):
                    listed = (await client.list()).models
                    if known is None:
                        info = await self._pick(client, [each.model for each in listed])
                    else:
                        info = self._described(known, await client.show(known))
        except TimeoutError as error:
            raise unreachable(self._connection.endpoint, "no answer to /api/show") from error
        names = {info.name, f"{info.name}:latest"}
        size = next((each.size for each in listed if each.model in names), None)
        return replace(info, size_bytes=None if size is None else int(size))

    async def _pick(self, client: OllamaClient, present: Sequence[str | None]) -> ModelInfo:
        """Take a running model that can chat, else the first one there."""
        running = [each.model or each.name for each in (await client.ps()).models]
        names = dict.fromkeys(name for name in (*running, *present) if name)
        for name in itertools.islice(names, _CANDIDATES):
            shown = await client.show(name)
            if shown.capabilities is None or "completion" in shown.capabilities:
                return self._described(name, shown)
        raise missing(self._connection.endpoint, None)

    def _described(self, name: str, shown: ShowResponse) -> ModelInfo:
        abilities = shown.capabilities
        trained = [
            value
            for key, value in (shown.modelinfo or {}).items()
            if key.endswith(".context_length") and isinstance(value, int) and value > 0
        ]
        thinking = "thinking" in (abilities or ())
        template = (shown.template or "").rstrip()
        self._opened_in_thought = not thinking and template.endswith("<think>")
        return ModelInfo(
            provider=self._connection.endpoint.provider,
            name=name,
            context_tokens=min([self._num_ctx, *trained]),
            tools=abilities is None or "tools" in abilities,
            vision="vision" in (abilities or ()),
            thinking=thinking,
            parameters=shown.details.parameter_size if shown.details else None,
        )
