"""Replies as people are to see them, where a card's scripts show them otherwise than kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.domain.replies import (
    ConfirmationRequested,
    Delivered,
    InterruptReason,
    ReplyEvent,
    ReplySink,
    TextDelta,
    TurnFailed,
    TurnFinished,
)

Dress = Callable[[str], Awaitable[str]]
"""Returns a complete text as it is to be shown."""


class DressedSink:
    """Holds a reply's text back until it is complete and shows it in one piece, as it should look.

    Everything else passes at once, sentences as they are. What is held back when the answer is
    stopped has reached nobody.
    """

    def __init__(self, sink: ReplySink, dress: Dress) -> None:
        self._sink = sink
        self._dress = dress
        self._held: list[str] = []
        self._shown = 0

    async def emit(self, event: ReplyEvent, /) -> None:
        """Take the next event."""
        match event:
            case TextDelta():
                self._held.append(event.text)
                return
            case ConfirmationRequested() | TurnFinished() | TurnFailed():
                await self._show()
            case _:
                pass
        await self._sink.emit(event)

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Drop what is held back and stop the sink behind."""
        self._held.clear()
        delivered = await self._sink.abort(reason)
        if delivered.sentences is not None:
            return delivered
        return Delivered(characters=self._shown)

    async def _show(self) -> None:
        text = "".join(self._held)
        self._held.clear()
        if text:
            self._shown += len(text)
            await self._sink.emit(TextDelta(text=await self._dress(text)))
