"""Opening and closing what has a life, and tasks that live as long as the process."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from types import TracebackType
from typing import Any, Self

logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_TURN_SECONDS = 0.001


@asynccontextmanager
async def opened(*resources: AbstractAsyncContextManager[Any]) -> AsyncIterator[None]:
    """Enter ``resources`` in the given order and leave them in reverse.

    When one fails to open, those already open are closed and the error goes on.
    """
    async with AsyncExitStack() as stack:
        for resource in resources:
            await stack.enter_async_context(resource)
        yield


@contextmanager
def prompt_loop() -> Iterator[None]:
    """Keep the event loop prompt while threads compute, by two settings of the interpreter.

    What is there already is left out of garbage collections, a full one of which goes through all
    of it and stops every thread meanwhile; and threads take turns every millisecond.
    """
    interval = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()


class Afterwards:
    """Closes at the end what is only made when somebody needs it."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], Awaitable[None]]] = []

    def add(self, close: Callable[[], Awaitable[None]], /) -> None:
        """Have ``close`` called at the end, before what was added earlier."""
        self._closers.append(close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with AsyncExitStack() as stack:
            for close in self._closers:
                stack.push_async_callback(close)


class Lull:
    """Tells work in the background when nobody waits for an answer."""

    def __init__(self) -> None:
        self._busy = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Let background work wait while the block runs."""
        self._busy += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._calm.set()

    async def come(self) -> None:
        """Wait until there is a lull."""
        await self._calm.wait()


class Supervisor:
    """Owns the process-long tasks; leaving it cancels and awaits every one of them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def start(
        self, name: str, factory: Callable[[], Awaitable[None]], *, restart: bool = False
    ) -> asyncio.Task[None]:
        """Run ``factory()`` as a named task until it ends or the supervisor is left.

        A failure is logged; with ``restart`` the task starts again after a pause that doubles
        from 0.5 s to 30 s. Raises ``RuntimeError`` once the supervisor is closed.
        """
        if self._closed:
            raise RuntimeError("the supervisor is closed")  # noqa: TRY003
        task = asyncio.get_running_loop().create_task(
            self._watch(name, factory, restart=restart), name=name
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(
        self, name: str, factory: Callable[[], Awaitable[None]], *, restart: bool
    ) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await factory()
            except Exception:
                logger.exception("task failed", extra={"task_name": name})
                if not restart:
                    return
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
