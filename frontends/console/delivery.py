"""Where answers go in the terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from frontends.console.views import Report, View
from services.domain.errors import AcoreError
from services.domain.ids import ActionId
from services.domain.messages import BlobPart
from services.domain.replies import (
    ConfirmationRequested,
    Delivered,
    InterruptReason,
    PartAdded,
    ReplyEvent,
    ReplySink,
    TurnBrief,
)

Dress = Callable[[TurnBrief, ReplySink], ReplySink]
SavePart = Callable[[BlobPart], Awaitable[Path]]


class ConsoleDelivery:
    """Shows the turns one message causes, as ``dress`` has them look.

    ``asked`` is the last action a tool wants confirmed, ``lost`` why nobody sees the answers.
    """

    def __init__(
        self, view: View, *, dress: Dress | None = None, save: SavePart | None = None
    ) -> None:
        self._dress = dress
        self._save = save
        self.asked: ActionId | None = None
        self.lost: OSError | None = None
        self._closed = False
        self._view = view

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Sequence[ReplySink]]:
        """Give the one sink there is; it needs no closing."""
        sink = ConsoleSink(self)
        yield (sink if self._dress is None else self._dress(turn, sink),)

    def show(self, event: ReplyEvent) -> None:
        """Show ``event``; raises ``OSError`` once the output is gone or the delivery was closed."""
        if self.lost is not None or self._closed:
            raise BrokenPipeError
        if isinstance(event, ConfirmationRequested):
            self.asked = event.action
        try:
            self._view.event(event)
        except OSError as error:
            self.lost = error
            raise

    async def save(self, part: BlobPart) -> None:
        """Keep a file of the answer where the person finds it, and say where that is."""
        if self._save is None or self._closed:
            return
        try:
            path = await self._save(part)
        except AcoreError as error:
            self._view.refused(error)
            return
        report = Report(kind="saved", lines=[f"Saved as {path}"], fields={"path": str(path)})
        self._view.report(report)

    def close(self) -> None:
        """Show nothing more: the person no longer waits."""
        self._closed = True


class ConsoleSink:
    """Writes each event at once, so nothing is ever held back."""

    def __init__(self, delivery: ConsoleDelivery) -> None:
        self._delivery = delivery

    async def emit(self, event: ReplyEvent, /) -> None:
        """Show the event."""
        self._delivery.show(event)
        if isinstance(event, PartAdded):
            await self._delivery.save(event.part)

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Everything that was given was shown."""
        return Delivered()
