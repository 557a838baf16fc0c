"""Lets tests wait for something to become true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_SECONDS = 0.1


class Changes:
    """Conditions are judged anew after every change, and now and then: some are about a client."""

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
                while not (waiter[1].done() or condition()):
                    await asyncio.wait([waiter[1]], timeout=_LOOK_SECONDS)
        finally:
            self._waiting.remove(waiter)
