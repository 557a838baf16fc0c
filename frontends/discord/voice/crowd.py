"""When so many speak that reading each packet as it comes would cost more than hearing it."""

from __future__ import annotations

from typing import Final

CROWD: Final = 600.0
"""Packets a second of twelve who speak at once."""
PAUSE_SECONDS: Final = 0.02
"""Between two looks in a crowd, the length of a frame; what comes meanwhile waits in the socket."""

_MEASURED_SECONDS: Final = 0.5


class Crowd:
    """Says how long to let packets gather.

    Measured: to be woken costs as much as to hear three to six packets one after the other. Of 25
    speakers, with a pause of 20 ms, a packet needs half the time it needs with none.
    """

    def __init__(self) -> None:
        self._count = 0
        self._since = 0.0
        self._gathered = False

    def pause(self, count: int, now: float) -> float:
        """Note how many packets came, and return how many seconds to wait for more, or 0."""
        self._count += count
        passed = now - self._since
        if passed >= _MEASURED_SECONDS:
            self._gathered = self._count > CROWD * passed
            self._count, self._since = 0, now
        return PAUSE_SECONDS if self._gathered else 0.0
