"""A voice that may have to be waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.domain.replies import (
    Delivered,
    DrainingSink,
    InterruptReason,
    ReplyEvent,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)


@dataclass(slots=True)
class LateSink:
    """Opens a voice at the first event of a turn; the wait ends when that is cancelled.

    What ``opening`` raises, ``emit`` raises. A turn that ends before its voice was opened is not
    spoken at all.
    """

    opening: Callable[[], Awaitable[DrainingSink]]
    _sink: DrainingSink | None = field(default=None, init=False)

    async def emit(self, event: ReplyEvent, /) -> None:
        """Pass the event on, after the wait if it is the first."""
        if self._sink is None:
            if isinstance(event, TurnFinished | TurnInterrupted | TurnFailed):
                return
            self._sink = await self.opening()
        await self._sink.emit(event)

    async def drain(self) -> None:
        """Wait for the voice."""
        if self._sink is not None:
            await self._sink.drain()

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Silence the voice; one that was still waited for has said nothing."""
        if self._sink is None:
            return Delivered(sentences=0, characters=0)
        return await self._sink.abort(reason)
