"""Speech told from noise by loudness alone, for when no model is installed."""

from __future__ import annotations

import math

import numpy as np

from services.voice.listening.samples import WINDOW_SECONDS, Samples

_QUIETEST = -75.0
_LOUDEST_FLOOR = -35.0
_FIRST_FLOOR = -55.0
_FALL = 0.4
_RISE = 6.0 * WINDOW_SECONDS
_EVEN = 12.0
_SLOPE = 2.5


class EnergyProbability:
    """Compares each window's loudness with a noise floor that follows the room.

    The floor, in dB of full scale, falls by 40 % of the way to a quieter window and rises by at
    most 6 dB a second, so that a fan is learned within seconds and a sentence is not. Speech is as
    probable as not 12 dB above the floor. It cannot tell speech from other sudden noise.
    """

    def __init__(self) -> None:
        self._floor = _FIRST_FLOOR

    def __call__(self, window: Samples, /) -> float:
        """Return the probability of speech in a window."""
        power = float(np.mean(np.square(window, dtype=np.float64))) if window.size else 0.0
        level = max(_QUIETEST, 10 * math.log10(power)) if power > 0 else _QUIETEST
        above = level - self._floor
        self._floor += _FALL * above if above < 0 else min(above, _RISE)
        self._floor = min(max(self._floor, _QUIETEST), _LOUDEST_FLOOR)
        return 1 / (1 + math.exp(-(above - _EVEN) / _SLOPE))

    def reset(self) -> None:
        """Keep the floor: the room is the same after a silence."""
