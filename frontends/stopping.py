"""Ending the program: asked by a signal or from inside, and watched so that it does end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.observability.logging import stop_logging

logger = logging.getLogger(__name__)

STOP_SECONDS = 25.0
"""From being asked to stop to the end of the process, at most."""

_LOG_SECONDS = 1.0
_DEFECT = 3


class Stopping:
    """Whether the program is to end, and because of which signal, if it was one.

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
        self._watched = False

    def ask(self, number: signal.Signals | None = None) -> None:
        """Ask the program to end, because of a signal if one is named; later calls do nothing."""
        if self.asked:
            return
        self.asked, self.signal = True, number
        self.watch()
        self._loop.call_soon_threadsafe(self._begin)

    def insist(self, number: signal.Signals) -> None:
        """Ask the program to end, or, when it was asked before, end it at once.

        Then data is as sound as after ``kill -9``, and the exit code is 128 and the signal.
        """
        if self.asked:
            # A thread, because the signal may have interrupted whoever holds a lock it needs.
            threading.Thread(target=_leave_now, args=(number,), daemon=True).start()
        else:
            self.ask(number)

    async def wait(self) -> None:
        """Wait until the program is to end."""
        await self._event.wait()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Cancel the current task when asked to end inside the block, or asked already."""
        self._opening = asyncio.current_task()
        if self._event.is_set() and self._opening is not None:
            self._opening.cancel()
        try:
            yield
        finally:
            self._opening = None

    def watch(self) -> None:
        """Let the process live for ``limit_seconds`` more at most, counted from the first call."""
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._watch, name="stop-watchdog", daemon=True).start()

    def _begin(self) -> None:
        asked_by = "itself" if self.signal is None else self.signal.name
        logger.info("stopping", extra={"asked_by": asked_by})
        self._event.set()
        if self._opening is not None:
            self._opening.cancel()

    def _watch(self) -> None:
        time.sleep(self._limit)
        logger.critical("stopping took too long", extra={"seconds": self._limit})
        stop_logging(_LOG_SECONDS)
        os._exit(_DEFECT)


def _leave_now(number: signal.Signals) -> None:
    logger.critical("ended at once", extra={"signal": number.name})
    stop_logging(_LOG_SECONDS)
    os._exit(128 + number)
