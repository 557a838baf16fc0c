"""Bounded lanes from one turn to its sinks, and writes that outlive a cancelled generation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.domain.errors import AcoreError
from services.domain.replies import (
    Delivered,
    DrainingSink,
    InterruptReason,
    ReplyEvent,
    ReplySink,
    TextDelta,
)

logger = logging.getLogger(__name__)

_ABORT_SECONDS = 1.0

T = TypeVar("T")


class DeliveryLost(AcoreError):  # noqa: N818
    """Every sink of the turn has failed."""

    def __init__(self) -> None:
        super().__init__("delivery_lost", "The answer could not be delivered here; try again.")


class Lane:
    """One sink's bounded queue. A sink that fails goes quiet; it never holds up the turn."""

    def __init__(self, sink: ReplySink, *, size: int) -> None:
        self._sink = sink
        self._queue: asyncio.Queue[ReplyEvent | None] = asyncio.Queue(size)
        self._shown: list[str] = []
        self.alive = True

    @property
    def shown(self) -> str:
        """The text the sink has taken so far."""
        return "".join(self._shown)

    async def offer(self, event: ReplyEvent | None) -> None:
        """Queue ``event``, waiting while the lane is full; ``None`` ends the lane."""
        await self._queue.put(event)

    async def pump(self) -> None:
        """Pass events on until the lane ends and the sink is done; a dead lane keeps draining."""
        while (event := await self._queue.get()) is not None:
            await self.emit(event)
        if self.alive and isinstance(self._sink, DrainingSink):
            await self._guarded(self._sink.drain(), "drain")

    async def emit(self, event: ReplyEvent) -> None:
        """Hand ``event`` to the sink now, past the queue."""
        if not self.alive:
            return
        taken = await self._guarded(self._sink.emit(event), event.kind)
        if taken and isinstance(event, TextDelta):
            self._shown.append(event.text)

    async def _guarded(self, work: Awaitable[None], what: str) -> bool:
        """Wait for the sink; a failure silences the lane for good."""
        try:
            await work
        except AcoreError as error:
            self.alive = False
            logger.warning("a sink failed; its lane is silent", extra={"code": error.code})
        except Exception:
            self.alive = False
            logger.exception("a sink failed; its lane is silent", extra={"event_kind": what})
        return self.alive

    async def abort(self, reason: InterruptReason) -> Delivered:
        """Silence the sink within a second and return what had reached the human."""
        if self.alive:
            try:
                async with asyncio.timeout(_ABORT_SECONDS):
                    return await self._sink.abort(reason)
            except Exception:
                self.alive = False
                logger.exception("a sink failed to stop", extra={"reason": str(reason)})
        return Delivered()


class Lanes:
    """All lanes of one turn."""

    def __init__(self, sinks: Sequence[ReplySink], *, size: int) -> None:
        self.all = [Lane(sink, size=size) for sink in sinks]

    async def broadcast(self, event: ReplyEvent | None) -> None:
        """Queue ``event`` on every lane; raises ``DeliveryLost`` when none is alive."""
        for lane in self.all:
            await lane.offer(event)
        if not any(lane.alive for lane in self.all):
            raise DeliveryLost

    async def emit(self, event: ReplyEvent) -> None:
        """Hand ``event`` to every live sink now."""
        for lane in self.all:
            await lane.emit(event)

    def shown(self) -> str:
        """Return the most that any sink has taken."""
        return max((lane.shown for lane in self.all), key=len, default="")

    async def abort(
        self, reason: InterruptReason, sentences: Sequence[str]
    ) -> tuple[str, str | None]:
        """Silence all sinks; return the text that was shown and, if it was spoken, was heard."""
        reached = await asyncio.gather(*(lane.abort(reason) for lane in self.all))
        written, heard = "", None
        for lane, delivered in zip(self.all, reached, strict=True):
            if delivered.sentences is not None:
                spoken = "".join(sentences[: delivered.sentences])
                if delivered.characters is not None:
                    spoken = max(spoken, lane.shown[: delivered.characters], key=len)
                heard = spoken if heard is None else min(heard, spoken, key=len)
            else:
                shown = lane.shown
                if delivered.characters is not None:
                    shown = shown[: delivered.characters]
                written = max(written, shown, key=len)
        if heard is not None and not written:
            written = heard
        return written, heard


class Writes:
    """Runs database writes in a task of its own, in order.

    A write that was started is finished even when the one who waits for it is cancelled, so that
    it is never undecided whether it happened.
    """

    def __init__(self) -> None:
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]] | None] = asyncio.Queue()

    async def run(self) -> None:
        """Work until ``close``."""
        while (job := await self._jobs.get()) is not None:
            await job()

    async def do(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run ``work`` and return what it returns or raise what it raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def job() -> None:
            try:
                result = await work()
            except Exception as error:
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        self._jobs.put_nowait(job)
        return await future

    def close(self) -> None:
        """End ``run`` after the writes already asked for."""
        self._jobs.put_nowait(None)
