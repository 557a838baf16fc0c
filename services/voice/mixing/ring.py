"""A short store of sound that is written and read in turn."""

from __future__ import annotations

import numpy as np

from services.voice.pcm import Samples


class Ring:
    """Holds at most ``size`` sample times of ``channels``; never grows."""

    def __init__(self, size: int, channels: int) -> None:
        self._sound = np.zeros((size, channels), np.float32)
        self._at = 0
        self.filled = 0

    @property
    def room(self) -> int:
        """How many sample times more fit in."""
        return len(self._sound) - self.filled

    def write(self, samples: Samples) -> None:
        """Add ``samples``, for which there must be room."""
        start = (self._at + self.filled) % len(self._sound)
        first = min(len(samples), len(self._sound) - start)
        self._sound[start : start + first] = samples[:first]
        self._sound[: len(samples) - first] = samples[first:]
        self.filled += len(samples)

    def read(self, into: Samples) -> int:
        """Fill ``into`` from its beginning as far as there is sound; return how far."""
        count = min(len(into), self.filled)
        first = min(count, len(self._sound) - self._at)
        into[:first] = self._sound[self._at : self._at + first]
        into[first:count] = self._sound[: count - first]
        self._at = (self._at + count) % len(self._sound)
        self.filled -= count
        return count
