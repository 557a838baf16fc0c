"""The threads in which discord.py lets its heart beat; each uses the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

_PATIENCE_SECONDS: Final = 5.0


async def heartbeats_ended() -> None:
    """Wait until those that were told to stop have; one that beats later finds no loop."""
    for thread in threading.enumerate():
        told = getattr(thread, "_stop_ev", None)
        if "keep-alive-handler" in thread.name and told is not None and told.is_set():
            await asyncio.to_thread(thread.join, _PATIENCE_SECONDS)
