"""How late the event loop serves its timers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TICK = 0.005


@asynccontextmanager
async def watched_loop() -> AsyncIterator[list[float]]:
    """Collect, in seconds, how late each 5 ms timer fires while the block runs."""
    late: list[float] = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            late.append(max(0.0, loop.time() - due))

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        try:
            yield late
        finally:
            watcher.cancel()
