"""A model that says what a test wants, when the test wants it."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.domain.calls import ToolCall
from services.domain.errors import ProviderError
from services.domain.replies import Usage
from services.llm.model import (
    ChatRequest,
    ContentDelta,
    Ended,
    Health,
    ModelEvent,
    ModelInfo,
    ReasoningDelta,
    ToolCalled,
)

_WORD = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One answer.

    ``text`` is streamed word by word, ``pieces`` as they are; ``error`` is raised after
    ``fail_after`` pieces, or after all when that is ``None``. ``hold`` waits for an event of the
    test before the first piece.
    """

    text: str = ""
    pieces: Sequence[str] = ()
    reasoning: str = ""
    calls: Sequence[ToolCall] = ()
    finish: Literal["stop", "length", "tool_calls"] | None = None
    usage: Usage = field(default_factory=Usage)
    first_token_seconds: float = 0.0
    token_seconds: float = 0.0
    hold: asyncio.Event | None = None
    error: ProviderError | None = None
    fail_after: int | None = None


Scripted = str | Script
Playbook = Scripted | Sequence[Scripted] | Callable[[ChatRequest], Scripted]


class ScriptedModel:
    """A ``ChatModel`` that follows a playbook.

    A single script answers every request; a list is used up in order and raises ``AssertionError``
    when it runs dry; a function decides by the request. ``requests`` are those whose stream was
    begun, ``finished`` counts streams that reached their end and ``closed`` those that were left
    early, by cancellation or by closing. ``open_errors`` are raised by ``open`` and ``probe`` in
    order; afterwards all is well.
    """

    def __init__(
        self,
        playbook: Playbook = "Hello there.",
        *,
        info: ModelInfo | None = None,
        open_errors: Sequence[ProviderError] = (),
    ) -> None:
        self._info = info or ModelInfo(
            provider="scripted", name="scripted", context_tokens=8192, tools=True
        )
        self._playbook: str | Script | deque[Scripted] | Callable[[ChatRequest], Scripted]
        if isinstance(playbook, str | Script) or callable(playbook):
            self._playbook = playbook
        else:
            self._playbook = deque(playbook)
        self._open_errors = deque(open_errors)
        self.requests: list[ChatRequest] = []
        self.opened = 0
        self.finished = 0
        self.closed = 0
        self.active = 0
        self.most_active = 0

    @property
    def info(self) -> ModelInfo:
        """What is known of the model."""
        return self._info

    async def open(self) -> ModelInfo:
        """Count the call."""
        self.opened += 1
        if self._open_errors:
            raise self._open_errors.popleft()
        return self._info

    async def probe(self) -> Health:
        """Say that all is well, once ``open`` would."""
        if self._open_errors:
            return Health(ok=False, detail=self._open_errors.popleft().user_message)
        return Health(ok=True, detail="The scripted model is ready to answer.")

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Follow the next script; a prefill yields only ``Ended``."""
        self.requests.append(request)
        script = self._next(request)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        done = False
        try:
            if script.hold is not None:
                await script.hold.wait()
            await asyncio.sleep(script.first_token_seconds)
            if not request.prefill:
                if script.reasoning:
                    yield ReasoningDelta(text=script.reasoning)
                for index, piece in enumerate(script.pieces or _WORD.findall(script.text)):
                    if script.error is not None and script.fail_after == index:
                        raise script.error
                    if script.token_seconds:
                        await asyncio.sleep(script.token_seconds)
                    yield ContentDelta(text=piece)
                for call in script.calls:
                    yield ToolCalled(call=call)
            if script.error is not None:
                raise script.error
            done = True
            yield Ended(
                finish=script.finish or ("tool_calls" if script.calls else "stop"),
                usage=script.usage,
            )
        except ProviderError:
            done = True
            raise
        finally:
            self.active -= 1
            self.finished += done
            self.closed += not done

    def _next(self, request: ChatRequest) -> Script:
        playbook = self._playbook
        scripted: Scripted
        if isinstance(playbook, deque):
            assert playbook, "the playbook has run dry"
            scripted = playbook.popleft()
        elif isinstance(playbook, str | Script):
            scripted = playbook
        else:
            scripted = playbook(request)
        return Script(text=scripted) if isinstance(scripted, str) else scripted
