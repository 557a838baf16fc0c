"""How often somebody may have code run."""

from __future__ import annotations

from collections import OrderedDict, deque

from services.domain.clock import Clock
from services.domain.errors import TooMany

_HOUR = 3600.0
_MOST_PEOPLE = 10_000


class HourlyQuota:
    """Counts the last hour per key, for the ten thousand keys that came last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str, *, most: int) -> None:
        """Count one; raises ``TooMany`` when there were ``most`` in the last hour."""
        now = self._clock.monotonic()
        used = self._used.setdefault(key, deque())
        self._used.move_to_end(key)
        while used and now - used[0] >= _HOUR:
            used.popleft()
        if len(used) >= most:
            wait = _HOUR - (now - used[0]) if used else _HOUR
            raise TooMany(
                "code_quota",
                f"You have had code run {most} times within an hour; try again in "
                f"{int(wait // 60) + 1} minutes.",
                retry_after=wait,
            )
        used.append(now)
        while len(self._used) > _MOST_PEOPLE:
            self._used.popitem(last=False)
