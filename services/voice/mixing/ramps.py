"""Gains that move without a jump."""

from __future__ import annotations

import numpy as np

from services.voice.audio_io import BLOCK_RATE, BLOCK_SECONDS
from services.voice.pcm import Samples

BLOCK = int(BLOCK_RATE * BLOCK_SECONDS)
"""Sample times in a block."""

DUCKED = 10 ** (-12 / 20)

_ELAPSED = np.arange(1, BLOCK + 1, dtype=np.float32)[:, None]


class Ramp:
    """A gain on its way to another, linearly."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain
        self.target = gain
        self._step = 0.0

    def towards(self, target: float, *, seconds: float) -> None:
        """Be at ``target`` after ``seconds``, beginning with the next block."""
        if target != self.target:
            self.target = target
            self._step = (target - self.gain) / max(1.0, seconds * BLOCK_RATE)

    def settle(self) -> None:
        """Be there now, where nothing sounds."""
        self.gain = self.target

    def apply(self, block: Samples) -> None:
        """Change a block's sound, in place, and move on by a block."""
        if self.gain == self.target:
            if self.gain != 1.0:
                block *= np.float32(self.gain)
            return
        curve = np.float32(self.gain) + np.float32(self._step) * _ELAPSED
        if self._step < 0:
            np.maximum(curve, self.target, out=curve)
        else:
            np.minimum(curve, self.target, out=curve)
        block *= curve
        self.gain = self.gain + self._step * BLOCK
        if (self.gain - self.target) * self._step >= 0:
            self.gain = self.target
