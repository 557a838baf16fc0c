"""Threads for an engine that computes, which serve what is urgent first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class EngineThreads:
    """Runs ``count`` pieces of work at a time, in threads that begin with the first.

    What is urgent goes before all that has not begun. A cancelled call that has not begun never
    begins; one that has ends in its own time.
    """

    def __init__(self, name: str, count: int = 1) -> None:
        self._name = name
        self._count = count
        self._executor: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[bool, int, Future[Any], Callable[[], Any]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    async def run(self, work: Callable[[], T], *, urgent: bool = False) -> T:
        """Run ``work`` and return what it returns."""
        return await asyncio.wrap_future(self.begin(work, urgent=urgent))

    def begin(self, work: Callable[[], T], *, urgent: bool = False) -> Future[T]:
        """Run ``work`` when its turn comes and return at once with the promise of its result."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix=self._name)
        result: Future[T] = Future()
        with self._lock:
            heapq.heappush(self._waiting, (not urgent, next(self._numbers), result, work))
        self._executor.submit(self._run_next)
        return result

    async def close(self) -> None:
        """Wait for the work that has begun, drop the rest, and end the threads."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        with self._lock:
            dropped, self._waiting = self._waiting, []
        for _, _, result, _ in dropped:
            result.cancel()
        await asyncio.to_thread(executor.shutdown)

    def _run_next(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            _, _, result, work = heapq.heappop(self._waiting)
        if not result.set_running_or_notify_cancel():
            return
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001  it fails where it is awaited
            result.set_exception(error)
        else:
            result.set_result(value)
