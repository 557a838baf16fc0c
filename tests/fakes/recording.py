"""A delivery that records every event and can be slow, broken or spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.domain.replies import (
    Delivered,
    InterruptReason,
    ReplyEvent,
    SentenceReady,
    TextDelta,
    TurnBrief,
)

TERMINALS = {"turn_finished", "turn_interrupted", "turn_failed"}


class RecordingSink:
    """Shows everything it is given, at once or ``pause`` seconds per event."""

    def __init__(self, *, pause: float = 0.0, fail_at: int | None = None) -> None:
        self.events: list[ReplyEvent] = []
        self.aborted: list[InterruptReason] = []
        self._pause = pause
        self._fail_at = fail_at

    async def emit(self, event: ReplyEvent, /) -> None:
        if self._fail_at is not None and len(self.events) >= self._fail_at:
            raise ConnectionError("the other side is gone")
        if self._pause:
            await asyncio.sleep(self._pause)
        self.events.append(event)

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        self.aborted.append(reason)
        return Delivered()

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))


class SpokenSink(RecordingSink):
    """Speaks each sentence for ``seconds``; only finished sentences count as heard."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.heard = 0

    async def emit(self, event: ReplyEvent, /) -> None:
        if isinstance(event, SentenceReady):
            await asyncio.sleep(self._seconds)
            self.heard += 1
        self.events.append(event)

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        self.aborted.append(reason)
        return Delivered(sentences=self.heard)


@dataclass
class RecordingDelivery:
    """Opens the same sinks for every turn and remembers the briefs."""

    sinks: Sequence[RecordingSink] = field(default_factory=lambda: [RecordingSink()])
    briefs: list[TurnBrief] = field(default_factory=list)
    refuses: bool = False

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Sequence[RecordingSink]]:
        if self.refuses:
            raise PermissionError("not allowed to speak here")
        self.briefs.append(turn)
        yield self.sinks

    @property
    def sink(self) -> RecordingSink:
        return self.sinks[0]

    @property
    def events(self) -> list[ReplyEvent]:
        return self.sink.events

    def turns(self) -> list[list[ReplyEvent]]:
        """The recorded events, cut after each terminal."""
        cut: list[list[ReplyEvent]] = [[]]
        for event in self.events:
            cut[-1].append(event)
            if event.kind in TERMINALS:
                cut.append([])
        return [events for events in cut if events]


def assert_grammar(events: Sequence[ReplyEvent]) -> None:
    """Fail unless ``events`` are one turn in the order the union's docstring promises."""
    kinds = [event.kind for event in events]
    assert kinds, "a turn has at least its terminal"
    assert kinds[-1] in TERMINALS
    assert not TERMINALS & set(kinds[:-1])
    if len(kinds) > 1:
        assert kinds[0] == "turn_started"
        assert kinds.count("turn_started") == 1
    indices = [event.index for event in events if isinstance(event, SentenceReady)]
    assert indices == list(range(1, len(indices) + 1))
    open_calls: set[str] = set()
    for event in events:
        if event.kind == "tool_started":
            open_calls.add(event.call_id)
        if event.kind == "tool_finished":
            assert event.call_id in open_calls
            open_calls.discard(event.call_id)
