"""Answers in the chat of a call, which grow as they are heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from frontends.discord.sink import AnswerSink
from services.domain.errors import AcoreError
from services.domain.ids import TurnId
from services.domain.replies import (
    Delivered,
    Delivery,
    InterruptReason,
    ReplyEvent,
    ReplySink,
    TextDelta,
    TurnBrief,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)
from services.lifecycle import Supervisor
from services.voice.call_events import CallEvent, ClauseSpoken


class FollowingSink:
    """Shows of an answer what has begun to sound, and in the end what was heard of it.

    ``run`` shows it; all else passes at once. What has no sound, be it a picture or an answer that
    is not spoken, is shown with what is heard after it, or in the end.
    """

    def __init__(self, sink: AnswerSink) -> None:
        self._sink = sink
        self._text = ""
        self._shown = 0
        self._sounding = 0
        self._stopped = False
        self._moved = asyncio.Event()

    def sounds(self, end: int) -> None:
        """Note that the clause which ends at that character begins to sound."""
        self._sounding = max(self._sounding, end)
        self._moved.set()

    async def run(self) -> None:
        """Show what sounds until cancelled, or until it cannot be shown."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                await self._show(self._sounding)
            except AcoreError:  # the next event is refused as well, and tells the turn
                return

    async def emit(self, event: ReplyEvent, /) -> None:
        """Take the next event."""
        match event:
            case TextDelta():
                self._text += event.text
                await self._show(self._sounding)
                return
            case TurnInterrupted() | TurnFailed() if self._stopped:
                self._sink.keep(event.delivered)
            case TurnFinished() | TurnInterrupted() | TurnFailed():
                await self._show(len(self._text))
            case _:
                pass
        await self._sink.emit(event)

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Show nothing more; what counts is what was heard."""
        self._stopped = True
        await self._sink.abort(reason)
        return Delivered(characters=0)

    async def _show(self, end: int) -> None:
        more = "" if self._stopped else self._text[self._shown : end]
        if more:
            self._shown += len(more)
            await self._sink.emit(TextDelta(text=more))


class CaptionedAnswers:
    """Shows answers where captions are ``wanted`` when they begin; ``take`` is to be told all."""

    def __init__(
        self,
        delivery: Delivery,
        *,
        wanted: Callable[[], Awaitable[bool]],
        supervisor: Supervisor,
    ) -> None:
        self._delivery = delivery
        self._wanted = wanted
        self._supervisor = supervisor
        self._following: dict[TurnId, list[FollowingSink]] = {}

    def take(self, event: CallEvent, /) -> None:
        """Take what happened in the call."""
        if isinstance(event, ClauseSpoken) and event.turn is not None:
            for sink in self._following.get(event.turn, ()):
                sink.sounds(event.end)

    def open(self, turn: TurnBrief, /) -> AbstractAsyncContextManager[Sequence[ReplySink]]:
        """Enter for the length of one turn."""
        return self._open(turn)

    @asynccontextmanager
    async def _open(self, turn: TurnBrief) -> AsyncIterator[Sequence[ReplySink]]:
        if not await self._wanted():
            yield ()
            return
        async with self._delivery.open(turn) as sinks:
            following = [FollowingSink(one) for one in sinks if isinstance(one, AnswerSink)]
            self._following[turn.turn] = following
            tasks = [self._supervisor.start("captions", one.run) for one in following]
            try:
                yield (*following, *(one for one in sinks if not isinstance(one, AnswerSink)))
            finally:
                del self._following[turn.turn]
                for task in tasks:
                    task.cancel()
