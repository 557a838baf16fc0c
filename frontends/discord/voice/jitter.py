"""Puts the frames of one stream in order again, and says what is missing."""

from __future__ import annotations

from typing import Final, NamedTuple

HOLD_SECONDS: Final = 0.06
"""How long later frames wait for one that is missing."""
MOST_HELD: Final = 16
"""Later frames that wait at most; 320 ms of sound."""
MOST_MISSING: Final = 100
"""From so many missing on, the stream is taken to begin anew."""

_SEQUENCES: Final = 1 << 16


class Arrived(NamedTuple):
    """A frame with its place in the stream; ``at`` is when it arrived."""

    sequence: int
    timestamp: int
    frame: bytes
    at: float


class Next(NamedTuple):
    """The next frame to be heard; ``missing`` others before it never came."""

    arrived: Arrived
    missing: int = 0


class Jitter:
    """Lets frames through at once while they come in order, and else holds them for 60 ms.

    What comes after its place was given up, or twice, is dropped. Not safe for several threads.
    """

    def __init__(self) -> None:
        self._begun = False
        self._expected = 0
        self._held: dict[int, Arrived] = {}
        self.late = 0
        self.repeated = 0

    def push(self, arrived: Arrived) -> list[Next]:
        """Take a frame, and return what is to be heard now."""
        if self.passes(arrived.sequence):
            return [Next(arrived)]
        if not self.wants(arrived.sequence):
            return []
        if not self._begun:
            self._begun, self._expected = True, arrived.sequence
        if (arrived.sequence - self._expected) % _SEQUENCES > MOST_MISSING:
            return self._begin_anew(arrived)
        self._held[arrived.sequence] = arrived
        ready = self._in_order()
        while len(self._held) > MOST_HELD:
            ready += self._skip()
        return ready

    def passes(self, sequence: int) -> bool:
        """Say whether a frame is the next and nothing waits; then it is over with it."""
        if sequence != self._expected or self._held or not self._begun:
            return False
        self._expected = (sequence + 1) % _SEQUENCES
        return True

    def wants(self, sequence: int) -> bool:
        """Say whether a frame is neither late nor here already; those are counted."""
        if sequence == self._expected or not self._begun:
            return True
        behind = (self._expected - sequence) % _SEQUENCES
        if 0 < behind <= MOST_MISSING:
            self.late += 1
            return False
        if sequence in self._held:
            self.repeated += 1
            return False
        return True

    def release(self, now: float) -> list[Next]:
        """Return what has waited long enough for what is missing before it."""
        ready: list[Next] = []
        while (due := self.due) is not None and due <= now:
            ready += self._skip()
        return ready

    @property
    def due(self) -> float | None:
        """When ``release`` will have something; ``None`` while nothing is held."""
        if not self._held:
            return None
        return min(each.at for each in self._held.values()) + HOLD_SECONDS

    def _begin_anew(self, arrived: Arrived) -> list[Next]:
        ready: list[Next] = []
        while self._held:
            ready += self._skip()
        self._expected = (arrived.sequence + 1) % _SEQUENCES
        return [*ready, Next(arrived)]

    def _skip(self) -> list[Next]:
        """Give up what is missing before the first held frame."""
        missing = min((sequence - self._expected) % _SEQUENCES for sequence in self._held)
        self._expected = (self._expected + missing) % _SEQUENCES
        first, *rest = self._in_order()
        return [Next(first.arrived, missing), *rest]

    def _in_order(self) -> list[Next]:
        ready: list[Next] = []
        while (arrived := self._held.pop(self._expected, None)) is not None:
            ready.append(Next(arrived))
            self._expected = (self._expected + 1) % _SEQUENCES
        return ready
