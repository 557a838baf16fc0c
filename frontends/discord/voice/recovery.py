"""How often new keys may be asked for."""

from __future__ import annotations

from typing import Final

_FIRST, _LONGEST = 10.0, 300.0
FORGIVEN_SECONDS: Final = 600.0


class Cooldown:
    """Allows something at once, then after 10 s at the earliest, and twice as late each time.

    Ten minutes without it, and all begins anew.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._wait = _FIRST

    def allows(self, now: float) -> bool:
        """Say whether it may be done now; if so, it counts as done."""
        if self._last is None or now - self._last > FORGIVEN_SECONDS:
            self._wait = _FIRST
        elif now - self._last < self._wait:
            return False
        else:
            self._wait = min(2 * self._wait, _LONGEST)
        self._last = now
        return True
