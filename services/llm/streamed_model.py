"""What all models that stream from a server have in common."""

from __future__ import annotations

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, suppress
from typing import Protocol

from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.llm.answer import Line, StreamedAnswer
from services.llm.model import ChatRequest, Health, ModelEvent, ModelInfo
from services.llm.priority import Lease, Preempted, ProviderLane
from services.llm.stream_faults import Endpoint, broken_off, too_slow
from services.llm.tokens import CalibratedTokens
from services.settings import LlmSettings

_DRAIN_SECONDS = 0.1


class _LearntToDoWithout(Exception):  # noqa: N818
    """The model cannot do something the request used; it was noted and nothing was shown yet."""


class NotOpenedError(RuntimeError):
    """A model was used before ``open``."""


class Connection(Protocol):
    """One server, shared by its models."""

    @property
    def endpoint(self) -> Endpoint:
        """How people and errors call the server."""
        ...

    def translated(self, model: str | None = None) -> AbstractContextManager[None]:
        """Turn what the client raises inside the context into ``ProviderError``."""
        ...


class StreamedModel(ABC):
    """A ``ChatModel`` whose answers come as lines; the subclass knows the server's language."""

    def __init__(
        self,
        *,
        connection: Connection,
        settings: LlmSettings,
        clock: Clock,
        lane: ProviderLane,
        tokens: CalibratedTokens | None,
    ) -> None:
        self._server = connection
        self._settings = settings
        self._clock = clock
        self._lane = lane
        self._tokens = tokens
        self._opening = asyncio.Lock()
        self._info: ModelInfo | None = None
        self._opened_in_thought = False
        self._call_ids = (f"call_{number}" for number in itertools.count(1))

    @abstractmethod
    async def _ask(self) -> ModelInfo:
        """Ask the server about the model. Raises ``ProviderError``."""

    @abstractmethod
    async def _lines(self, request: ChatRequest) -> AsyncGenerator[Line, None]:
        """Return the lines of a fresh answer; closing them closes the connection."""

    @abstractmethod
    def _learn(self, error: ProviderError, request: ChatRequest) -> bool:
        """Note that the model lacks what the request used; say whether that was news."""

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
        opened = await self._lines(request)
        answer = StreamedAnswer(
            request,
            settings=self._settings,
            clock=self._clock,
            opened_in_thought=self._opened_in_thought,
            call_ids=self._call_ids,
        )
        async with aclosing(opened) as lines:
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
        self, lines: AsyncGenerator[Line, None], lease: Lease, answer: StreamedAnswer
    ) -> Line | None:
        """Return the next line, or ``None`` when the answer was cut off for taking too long."""
        try:
            with self._server.translated(self.info.name):
                async with lease.within(answer.patience()):
                    line = await anext(lines, None)
        except TimeoutError as error:
            if answer.finishing:
                return Line(done=True)
            if answer.timed_out():
                answer.cut()
                return None
            raise await self._slow(answer, lease) from error
        except Preempted:
            raise
        except ProviderError:
            if answer.finishing:
                return Line(done=True)
            raise
        if line is None and not answer.finishing:
            raise broken_off(self._server.endpoint)
        return line or Line(done=True)

    async def _slow(self, answer: StreamedAnswer, lease: Lease) -> ProviderError:
        """Return the error for an answer that did not come in time."""
        seconds = (
            self._settings.stall_timeout_seconds
            if answer.begun
            else self._settings.first_token_timeout_seconds
        )
        return too_slow(self._server.endpoint, self.info.name, seconds, begun=answer.begun)

    async def _drain(self, lines: AsyncGenerator[Line, None]) -> None:
        """Let a complete answer's stream end, so that its connection can be used again."""
        with suppress(ProviderError, TimeoutError), self._server.translated():
            async with asyncio.timeout(_DRAIN_SECONDS):
                await anext(lines, None)

    def _calibrate(self, request: ChatRequest, answer: StreamedAnswer) -> None:
        counted = answer.usage.prompt_tokens
        pictures = any(message.images for message in request.messages)
        if self._tokens is not None and counted and not pictures:
            self._tokens.observe(self._tokens.raw(request.messages, request.tools), counted)
