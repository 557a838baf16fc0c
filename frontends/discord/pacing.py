"""Keeping sends and edits inside what Discord lets a channel take."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from services.domain.clock import Clock

OPERATIONS = 5
"""Sends or edits of one channel or webhook per ``WINDOW`` seconds."""
WINDOW = 5.0

_KEYS = 2_000
_SLACK = 0.05
_FIRST_GAP = 0.3
_MORE_PER_OPERATION = 0.25


class Pacing:
    """Counts what was sent where, a sliding window per key.

    Steps of an answer that is still being written leave one operation of each window free, so that
    its last form never waits for them, and come less often the fuller the window is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, key: str) -> None:
        """Count one operation now."""
        self._window(key).append(self._clock.monotonic())

    def until_step(self, key: str) -> float:
        """Return the seconds to wait before showing more of a running answer."""
        window, now = self._window(key), self._clock.monotonic()
        if not window:
            return 0.0
        gap = _FIRST_GAP + _MORE_PER_OPERATION * len(window)
        wait = window[-1] + gap - now
        if len(window) >= OPERATIONS - 1:
            wait = max(wait, window[-(OPERATIONS - 1)] + WINDOW + _SLACK - now)
        return max(0.0, wait)

    def until_free(self, key: str) -> float:
        """Return the seconds to wait before an operation that must not be left out."""
        window = self._window(key)
        if len(window) < OPERATIONS:
            return 0.0
        return max(0.0, window[-OPERATIONS] + WINDOW + _SLACK - self._clock.monotonic())

    async def free(self, key: str) -> None:
        """Wait until an operation is allowed, and count it."""
        wait = self.until_free(key)
        while wait > 0.0:
            await asyncio.sleep(wait)
            wait = self.until_free(key)
        self.note(key)

    def _window(self, key: str) -> deque[float]:
        window = self._sent.get(key)
        if window is None:
            window = self._sent[key] = deque()
            if len(self._sent) > _KEYS:
                self._sent.popitem(last=False)
        self._sent.move_to_end(key)
        before = self._clock.monotonic() - WINDOW - _SLACK
        while window and window[0] <= before:
            window.popleft()
        return window
