"""Music and effects, which make room for speech."""

from __future__ import annotations

import math
import threading

import numpy as np

from services.domain.audio import AudioFrame
from services.voice.audio_io import BLOCK_CHANNELS, BLOCK_RATE
from services.voice.mixing.edges import FADE_SECONDS, Edges
from services.voice.mixing.ramps import BLOCK, DUCKED, Ramp
from services.voice.mixing.resampling import BlockRate
from services.voice.mixing.ring import Ring
from services.voice.pcm import Samples

MOST_HELD_SECONDS = 0.4

_DUCKING_SECONDS = 0.08
_RELEASE_SECONDS = 0.4
_GAIN_SECONDS = 0.05
_RING = int(MOST_HELD_SECONDS * BLOCK_RATE)


class BedTrack:
    """A stream of stereo sound, 12 dB softer while the bot speaks.

    ``read`` is the mixer's, everything else one other thread's. It holds 400 ms at most, so that a
    new gain, and the end, come at once: whoever writes tries again a little later when ``write``
    refuses a frame.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._ring = Ring(_RING, BLOCK_CHANNELS)
        self._rate = BlockRate(BLOCK_CHANNELS)
        self._edges = Edges(BLOCK_CHANNELS)
        self._volume = Ramp()
        self._duck = Ramp()
        self._played = 0
        self._closed = False

    @property
    def gain(self) -> float:
        """How loud it is, 1.0 as written; a new gain is reached within 70 ms."""
        return self._volume.target

    @gain.setter
    def gain(self, gain: float) -> None:
        with self._lock:
            self._volume.towards(gain, seconds=_GAIN_SECONDS)

    @property
    def room(self) -> float:
        """Seconds of sound that ``write`` would take now."""
        with self._lock:
            return self._ring.room / BLOCK_RATE

    @property
    def played(self) -> float:
        """Seconds that were heard."""
        with self._lock:
            return self._played / BLOCK_RATE

    @property
    def gone(self) -> bool:
        """Whether it was closed and has died away."""
        return self._closed and not self._edges.fading

    def write(self, frame: AudioFrame, /) -> bool:
        """Take the whole frame and return true, or nothing of it as there is no room, or as closed.

        ``ValueError`` for a frame that never fits; frames are meant to last 100 ms at most.
        """
        count = math.ceil(frame.seconds * BLOCK_RATE) + 1
        if count > _RING:
            raise ValueError(f"a frame of {frame.seconds} s never fits")  # noqa: TRY003
        with self._lock:
            if self._closed or self._ring.room < count:
                return False
        samples = self._rate.feed(frame)
        with self._lock:
            self._ring.write(samples)
        return True

    def close(self, *, fade: float = FADE_SECONDS) -> None:
        """End it with the next block; idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                rest = np.zeros((min(self._ring.filled, int(fade * BLOCK_RATE)), 2), np.float32)
                self._ring.read(rest)
                gain = np.float32(self._volume.gain * self._duck.gain)
                self._edges.cut(rest * gain, fade=fade)

    def read(self, *, ducked: bool) -> Samples | None:
        """Return the next block, ``(BLOCK, 2)``; the lock is held."""
        block = np.zeros((BLOCK, BLOCK_CHANNELS), np.float32)
        filled = 0 if self._closed else self._ring.read(block)
        self._played += filled
        if ducked:
            self._duck.towards(DUCKED, seconds=_DUCKING_SECONDS)
        else:
            self._duck.towards(1.0, seconds=_RELEASE_SECONDS)
        if not filled:
            self._volume.settle()
            self._duck.settle()
            if not self._edges.flowing and not self._edges.fading:
                return None
        self._volume.apply(block)
        self._duck.apply(block)
        self._edges.shape(block, filled)
        return block
