"""Sinks of answers that are begun before it is certain what they are to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.domain.replies import (
    Delivered,
    DrainingSink,
    InterruptReason,
    ReplyEvent,
    ReplySink,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)


@dataclass(slots=True, eq=False)
class Attempt:
    """One answer to what somebody says, ``certain`` once that was all; ``void`` if it was not."""

    certain: asyncio.Event
    void: bool = False


@dataclass(frozen=True, slots=True)
class PatientSink:
    """A voice whose answer does not end before it is certain."""

    sink: DrainingSink
    attempt: Attempt

    async def emit(self, event: ReplyEvent, /) -> None:
        """Pass the event on."""
        await self.sink.emit(event)

    async def drain(self) -> None:
        """Wait for the voice, and until the answer is certain."""
        await self.sink.drain()
        await self.attempt.certain.wait()

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Silence the voice."""
        return await self.sink.abort(reason)


@dataclass(slots=True)
class ReticentSink:
    """Shows an answer only once it is certain; of one that never was, at most its end."""

    sink: ReplySink
    attempt: Attempt
    _held: list[ReplyEvent] = field(default_factory=list)
    _shown: bool = False

    async def emit(self, event: ReplyEvent, /) -> None:
        """Show the event, and those before it, or keep it until later."""
        if isinstance(event, TurnFinished | TurnInterrupted | TurnFailed):
            self._held.clear()
            await self.sink.emit(event)
            return
        self._held.append(event)
        if self.attempt.certain.is_set():
            await self._show()

    async def drain(self) -> None:
        """Wait until the answer is certain, and show what was kept."""
        await self.attempt.certain.wait()
        await self._show()
        if isinstance(self.sink, DrainingSink):
            await self.sink.drain()

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Stop showing; what was kept until then was seen by nobody."""
        delivered = await self.sink.abort(reason)
        return delivered if self._shown else Delivered(characters=0)

    async def _show(self) -> None:
        if self.attempt.void:
            return
        self._shown = True
        while self._held:
            await self.sink.emit(self._held.pop(0))
