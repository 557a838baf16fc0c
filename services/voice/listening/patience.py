"""How long one speaker pauses without being done."""

from __future__ import annotations

from collections import deque

_REMEMBERED = 20
_ENOUGH = 4


class PauseStatistics:
    """The last 20 pauses after which a speaker went on with the same turn."""

    def __init__(self) -> None:
        self._pauses: deque[float] = deque(maxlen=_REMEMBERED)

    def resumed(self, pause: float, /) -> None:
        """Note a pause of that many seconds that was none of an end."""
        self._pauses.append(pause)

    def usual(self) -> float | None:
        """Return the pause that nine in ten do not exceed, from four pauses on."""
        if len(self._pauses) < _ENOUGH:
            return None
        ordered = sorted(self._pauses)
        return ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
