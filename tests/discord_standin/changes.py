"""Lets tests wait for something to become true, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changes:
    """Conditions are judged anew after every change."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], object], asyncio.Future[None]]] = []
        self._watchers: list[Callable[[], None]] = []

    def notify(self) -> None:
        """Say that something changed."""
        for watcher in self._watchers:
            watcher()
        for condition, future in self._waiting:
            if not future.done() and condition():
                future.set_result(None)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call ``watcher`` after every change, for good."""
        self._watchers.append(watcher)

    async def until(self, condition: Callable[[], object], *, seconds: float = 20.0) -> None:
        """Return once the condition holds.

        Raises:
            TimeoutError: it did not within ``seconds``.
        """
        if condition():
            return
        waiter = (condition, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter[1]
        finally:
            self._waiting.remove(waiter)
