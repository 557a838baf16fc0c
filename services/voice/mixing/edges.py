"""Sound begins and ends without a click."""

from __future__ import annotations

import numpy as np

from services.voice.audio_io import BLOCK_RATE
from services.voice.mixing.ramps import BLOCK
from services.voice.pcm import Samples

FADE_SECONDS = 0.005

_RISE = np.linspace(0.0, 1.0, int(BLOCK_RATE * FADE_SECONDS), dtype=np.float32)[:, None]


class Edges:
    """Lets what comes out of silence rise in 5 ms, and what stops fall in as much.

    Blocks are of ``(BLOCK, channels)``.
    """

    def __init__(self, channels: int) -> None:
        self._tail = np.zeros((0, channels), np.float32)
        self._last = np.zeros((1, channels), np.float32)
        self.flowing = False

    @property
    def fading(self) -> bool:
        """Whether something that was cut is still dying away."""
        return len(self._tail) > 0

    def shape(self, block: Samples, filled: int) -> None:
        """Finish a block, in place, whose first ``filled`` sample times are sound, the rest 0."""
        tail, self._tail = self._tail, self._tail[:0]
        if filled and not self.flowing:
            rising = min(filled, len(_RISE))
            block[:rising] *= _RISE[:rising]
            self.flowing = True
        if filled:
            self._last = block[filled - 1 : filled].copy()
        if len(tail):
            self._add(block, tail, at=0)
        if self.flowing and filled < BLOCK:
            self._add(block, self._fall(block[:0], FADE_SECONDS), at=filled)
            self.flowing = False

    def cut(self, rest: Samples, *, fade: float) -> None:
        """Let the sound end here: the next block begins with ``rest``, falling for ``fade``."""
        if self.flowing:
            self._keep(self._fall(rest, fade))
            self.flowing = False

    def _fall(self, rest: Samples, fade: float) -> Samples:
        """Return ``rest``, or what it leaves of the last value, on its way to silence."""
        count = max(1, int(BLOCK_RATE * fade))
        sound = np.concatenate([self._last, rest])[: count + 1]
        sound = np.pad(sound, ((0, count + 1 - len(sound)), (0, 0)), mode="edge")
        return sound[1:] * np.linspace(1.0, 0.0, count, dtype=np.float32)[:, None]

    def _add(self, block: Samples, tail: Samples, *, at: int) -> None:
        room = BLOCK - at
        block[at : at + len(tail)] += tail[:room]
        self._keep(tail[room:])

    def _keep(self, tail: Samples) -> None:
        if len(self._tail):
            short, long = sorted((self._tail, tail), key=len)
            tail = long.copy()
            tail[: len(short)] += short
        self._tail = tail
