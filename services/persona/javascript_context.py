"""A V8 context whose calls are limited in time and memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import TypeVar

from py_mini_racer import JSEvalException, MiniRacer

T = TypeVar("T")


class ContextDied(Exception):  # noqa: N818
    """A call reached a limit after which the context cannot be used any more."""


class JavaScriptContext:
    """One V8 context, for one thread at a time, whichever that is.

    Its answers come in on an event loop of its own, which runs only during a call: one that ran
    in a thread of its own would double what handing over costs.
    """

    def __init__(self, setup: str, *, heap_bytes: int) -> None:
        """Start V8, which takes some 0.1 s, and run ``setup``."""
        self._loop = asyncio.new_event_loop()
        self._racer = self._run(_started)
        self._racer.set_hard_memory_limit(heap_bytes)
        self.call(setup, seconds=None)

    def call(self, code: str, *, seconds: float | None) -> str:
        """Return the value of ``code`` as text; blocking.

        Raises ``TimeoutError``, after which the context is sound, or ``ContextDied``.
        """

        async def answer() -> object:
            async with asyncio.timeout(seconds):
                return await self._racer.eval_cancelable(code)

        try:
            return str(self._run(answer))
        except JSEvalException as error:
            raise ContextDied(type(error).__name__) from error

    def close(self) -> None:
        """End V8. A call that was stopped may still report to the loop, so that goes last."""
        self._racer.close()
        self._loop.close()

    def _run(self, work: Callable[[], Coroutine[object, object, T]]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._loop.run_until_complete(work())
        # A thread that runs a loop can run no second one.
        return _in_thread(lambda: self._loop.run_until_complete(work()))


async def _started() -> MiniRacer:
    return MiniRacer()


def _in_thread(make: Callable[[], T]) -> T:
    made: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            made.append(make())
        except BaseException as error:  # noqa: BLE001  raised again where the caller waits
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return made[0]
