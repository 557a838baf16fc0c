"""The moments at which sound goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.voice.audio_io import BLOCK_SECONDS

_SHORTEST_STEP: Final = BLOCK_SECONDS / 2
_MOST_LATE: Final = 3 * BLOCK_SECONDS
"""What listeners' jitter buffers commonly hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One moment of the grid, the ``number``-th; ``skipped`` others were given up before it.

    ``late`` is by how many seconds it was served after its time.
    """

    number: int
    late: float
    skipped: int


class Grid:
    """Moments 20 ms apart, all counted from ``start``, so no delay adds up.

    After a stall of up to 60 ms every slot is still served, at double pace, until there is no
    delay any more: a listener who buffers that much notices nothing. What is later than that is
    given up instead, so a long stall is one gap and never a burst.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._next = 0
        self._not_before = start

    @property
    def due(self) -> float:
        """When the next slot is to be served, in seconds of the clock ``start`` came from."""
        return max(self._start + self._next * BLOCK_SECONDS, self._not_before)

    def serve(self, now: float) -> Slot:
        """Return the slot to serve at ``now``, which is not before ``due``."""
        late = now - self._start - self._next * BLOCK_SECONDS
        skipped = int(late / BLOCK_SECONDS) if late > _MOST_LATE else 0
        number = self._next + skipped
        self._next = number + 1
        self._not_before = now + _SHORTEST_STEP
        return Slot(number=number, late=max(0.0, late), skipped=skipped)
