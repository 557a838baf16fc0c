"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
from collections import deque


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer whenever nothing is ready.

    Not for tests with sockets, threads or processes: the clock would run ahead of them. It relies
    on private parts of the standard library's loop; ``test_virtual_time.py`` notices a change.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _offset = 0.0

    def time(self) -> float:
        """Return the loop's time, skipped waits included."""
        return super().time() + self._offset

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._offset += max(0.0, self._scheduled[0].when() - self.time())
        super()._run_once()  # type: ignore[misc]
