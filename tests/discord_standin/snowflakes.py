"""Discord's ids: milliseconds since 2015 in the high bits, so ids sort by age."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.domain.clock import Clock

_EPOCH_MS: Final = 1_420_070_400_000
_TIME_SHIFT: Final = 22


class SnowflakeSource:
    """Ids from an injected clock; unique and rising even where the clock stands still."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """Return an id younger than every id before it."""
        milliseconds = int(self._clock.now().timestamp() * 1000) - _EPOCH_MS
        self._last = max(self._last + 1, milliseconds << _TIME_SHIFT)
        return self._last


def moment_of(snowflake: int) -> datetime:
    """Return when the id was made."""
    return datetime.fromtimestamp(((snowflake >> _TIME_SHIFT) + _EPOCH_MS) / 1000, UTC)
