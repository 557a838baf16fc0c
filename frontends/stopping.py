"""Ending the program: asked by a signal or from inside, watched so that it does end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from services.observability.logging import stop_logging

logger = logging.getLogger(__name__)

STOP_SECONDS = 25.0
"""From being asked to stop to the end of the process, at most."""

_LOG_SECONDS = 1.0
_DEFECT = 3


class Stopping:
    """Whether and why the program is to end.

    The first reason counts. From then on a thread ends the process with code 3 once
    ``limit_seconds`` have passed, whatever the event loop does.
    """

    def __init__(self, *, limit_seconds: float = STOP_SECONDS) -> None:
        self.asked = False
        self.signal: signal.Signals | None = None
        self._limit = limit_seconds
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._opening: asyncio.Task[object] | None = None
        self._over = threading.Event()

    def ask(self, number: signal.Signals | None = None) -> None:
        """Ask the program to end, because of a signal if one is named; later calls do nothing."""
        if self.asked:
            return
        self.asked, self.signal = True, number
        threading.Thread(target=self._watch, name="stop-watchdog", daemon=True).start()
        self._loop.call_soon_threadsafe(self._begin)

    async def wait(self) -> None:
        """Wait until the program is to end."""
        await self._event.wait()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Cancel the current task when asked to end inside the block, at whose start it may be."""
        self._opening = asyncio.current_task()
        if self.asked:
            self._begin()
        try:
            yield
        finally:
            self._opening = None

    def over(self) -> None:
        """Let the process live: there is nothing left to end."""
        self._over.set()

    def react(self, number: signal.Signals) -> None:
        """Do what a signal to stop means: the first asks, the second ends the process at once.

        Then data is as sound as after ``kill -9``, and the exit code is 128 and the signal.
        """
        if self.asked:
            # A thread, because the signal may have interrupted whoever holds a lock it needs.
            threading.Thread(target=_leave_now, args=(number,), daemon=True).start()
        else:
            self.ask(number)

    def _begin(self) -> None:
        reason = "its own" if self.signal is None else self.signal.name
        logger.info("stopping", extra={"asked_by": reason})
        self._event.set()
        if self._opening is not None:
            self._opening.cancel()

    def _watch(self) -> None:
        if not self._over.wait(self._limit):
            logger.critical("stopping took too long", extra={"seconds": self._limit})
            stop_logging(_LOG_SECONDS)
            os._exit(_DEFECT)


@contextmanager
def signals_heeded(reactions: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Call what ``reactions`` name when the process gets a signal inside the block.

    A reaction interrupts the main thread wherever it is, so it must be short. A signal that the
    process was started to ignore, as under nohup, stays ignored.
    """
    before = {
        number: signal.getsignal(number)
        for number in reactions
        if signal.getsignal(number) != signal.SIG_IGN
    }

    def heed(number: int, _frame: FrameType | None) -> None:
        reactions[signal.Signals(number)]()

    for number in before:
        signal.signal(number, heed)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_now(number: signal.Signals) -> None:
    logger.critical("ended at once", extra={"signal": number.name})
    stop_logging(_LOG_SECONDS)
    os._exit(128 + number)
