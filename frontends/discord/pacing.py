"""Keeping sends and edits inside what Discord lets a channel or webhook take."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass

from services.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Bucket:
    """What Discord counts together: ``operations`` per ``seconds``.

    A ``shared`` one counts for the bot as a whole, too, which webhooks do not.
    """

    key: str
    operations: int = 5
    seconds: float = 5.0
    shared: bool = True


EVERYTHING = Bucket("everything", 50, 1.0, shared=False)
"""All requests of a bot."""
_SPARE_OF_ALL = 25
_CALM = 10


_KEYS = 2_000
_MOST_SLACK = 0.05
_SLACK_SHARE = 0.03
_FIRST_GAP = 0.3
_MORE_PER_OPERATION = 0.25


class Pacing:
    """Counts what was sent where, a sliding window per bucket.

    Steps of an answer that is still being written leave one operation of each window free, so that
    its last form never waits for them, and come less often the fuller the window is. ``haste``
    shortens every window by its factor, for servers that take more.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.haste = 1.0
        self._sent: OrderedDict[Bucket, deque[float]] = OrderedDict()

    def note(self, bucket: Bucket) -> None:
        """Count one operation now."""
        now = self._clock.monotonic()
        self._window(bucket).append(now)
        if bucket.shared:
            self._window(EVERYTHING).append(now)

    def calm(self) -> bool:
        """Tell whether there is room for what can as well be left out."""
        return len(self._window(EVERYTHING)) < _CALM

    def until_step(self, bucket: Bucket) -> float:
        """Return the seconds to wait before showing more of a running answer."""
        window, now = self._window(bucket), self._clock.monotonic()
        if not window:
            return self._until_room(bucket, EVERYTHING.operations - _SPARE_OF_ALL)
        pace = self._seconds(bucket) / 5.0
        wait = window[-1] + pace * (_FIRST_GAP + _MORE_PER_OPERATION * len(window)) - now
        spare = bucket.operations - 1
        if len(window) >= spare:
            wait = max(wait, window[-spare] + self._seconds(bucket) - now)
        return max(0.0, wait, self._until_room(bucket, EVERYTHING.operations - _SPARE_OF_ALL))

    def until_free(self, bucket: Bucket) -> float:
        """Return the seconds to wait before an operation that must not be left out."""
        room = self._until_room(bucket, EVERYTHING.operations)
        window = self._window(bucket)
        if len(window) < bucket.operations:
            return room
        since = window[-bucket.operations] + self._seconds(bucket)
        return max(0.0, room, since - self._clock.monotonic())

    async def free(self, bucket: Bucket) -> None:
        """Wait until an operation is allowed, and count it."""
        wait = self.until_free(bucket)
        while wait > 0.0:
            await asyncio.sleep(wait)
            wait = self.until_free(bucket)
        self.note(bucket)

    def _until_room(self, bucket: Bucket, most: int) -> float:
        """Return the seconds until fewer than ``most`` of all requests are in their window."""
        everything = self._window(EVERYTHING)
        if not bucket.shared or len(everything) < most:
            return 0.0
        since = everything[-most] + self._seconds(EVERYTHING)
        return max(0.0, since - self._clock.monotonic())

    def _seconds(self, bucket: Bucket) -> float:
        slack = min(_MOST_SLACK, bucket.seconds * _SLACK_SHARE)
        return bucket.seconds / self.haste + slack

    def _window(self, bucket: Bucket) -> deque[float]:
        window = self._sent.get(bucket)
        if window is None:
            window = self._sent[bucket] = deque()
            if len(self._sent) > _KEYS:
                self._sent.popitem(last=False)
        self._sent.move_to_end(bucket)
        before = self._clock.monotonic() - self._seconds(bucket)
        while window and window[0] <= before:
            window.popleft()
        return window
