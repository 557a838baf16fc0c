"""Background work in small steps, which sleeps when there is nothing to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress


class Rounds:
    """Calls ``step`` as long as it says that there may be more, then waits for ``wake``.

    It wakes by itself after ``pause()`` seconds. ``quiet`` is set while there is nothing to do.
    """

    def __init__(
        self, step: Callable[[], Awaitable[bool]], pause: Callable[[], float | None]
    ) -> None:
        self.quiet = asyncio.Event()
        self._step = step
        self._pause = pause
        self._bell = asyncio.Event()

    def wake(self) -> None:
        """Let another step come."""
        self.quiet.clear()
        self._bell.set()

    async def run(self) -> None:
        """Work and wait until cancelled; what ``step`` raises goes on."""
        while True:
            self._bell.clear()
            if await self._step() or self._bell.is_set():
                continue
            self.quiet.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._bell.wait()
            self.quiet.clear()
