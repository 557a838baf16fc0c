"""What keeps the sum of all that sounds inside what a sample can hold."""

from __future__ import annotations

import numpy as np

from services.voice.audio_io import BLOCK_SECONDS
from services.voice.pcm import Samples

_RISE_SECONDS = 1.0
"""From silence to full."""


class Limiter:
    """Turns all of the sound down, never more than it has to, where it would be beyond 1.

    So nothing is bent or clipped, and the parts keep their balance. A block is looked through
    before it goes out: the gain is down by the first sample that needs it, and it comes back
    slowly enough (1.4 dB in 0.15 s) not to be heard.
    """

    def __init__(self) -> None:
        self._gain = 1.0

    def rest(self) -> None:
        """Forget what was, as nothing sounds."""
        self._gain = 1.0

    def apply(self, block: Samples) -> None:
        """Change a block, ``(BLOCK, channels)``, in place."""
        peak = float(np.abs(block).max())
        before = self._gain
        after = min(1.0, 1.0 / max(1.0, peak), before + BLOCK_SECONDS / _RISE_SECONDS)
        if before == after == 1.0:
            return
        self._gain = after
        curve = np.full((len(block), 1), after, np.float32)
        moving = len(block)
        if after < before:
            moving = 1 + int(np.argmax((np.abs(block) * before > 1.0).any(axis=1)))
        curve[:moving, 0] = np.linspace(before, after, moving + 1, dtype=np.float32)[1:]
        block *= curve
