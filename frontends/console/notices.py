"""Lines for the operator, shown as they are published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.domain.events import Notice

if TYPE_CHECKING:
    from services.events.bus import EventBus


@asynccontextmanager
async def notices_shown(
    bus: EventBus, show: Callable[[Notice], Awaitable[None]]
) -> AsyncIterator[None]:
    """Show every notice published inside the block."""
    async with bus.subscribe("notice") as events, asyncio.TaskGroup() as group:

        async def watch() -> None:
            async for event in events:
                if isinstance(event, Notice):
                    await show(event)

        watcher = group.create_task(watch(), name="console-notices")
        try:
            yield
        finally:
            watcher.cancel()
