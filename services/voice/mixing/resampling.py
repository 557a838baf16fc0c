"""Frames of any kind become sound as the mixer holds it."""

from __future__ import annotations

import numpy as np

from services.domain.audio import AudioFrame
from services.voice.audio_io import BLOCK_RATE
from services.voice.pcm import Resampler, Samples, from_pcm


class BlockRate:
    """Brings a stream of frames to the rate of blocks and to ``channels`` channels.

    The stream may change its rate in the middle.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._rate = BLOCK_RATE
        self._resamplers: tuple[Resampler, ...] = ()

    def feed(self, frame: AudioFrame) -> Samples:
        """Return what can be told by now, as ``(count, channels)``."""
        rest = None
        if frame.rate != self._rate:
            rest = self.flush()
            self._rate = frame.rate
            if frame.rate != BLOCK_RATE:
                step = frame.rate / BLOCK_RATE
                self._resamplers = tuple(Resampler(step) for _ in range(self._channels))
        made = self._spread(frame)
        if self._resamplers:
            pairs = zip(self._resamplers, made.T, strict=True)
            made = np.stack([resampler.feed(channel) for resampler, channel in pairs], axis=1)
        return made if rest is None else np.concatenate([rest, made])

    def flush(self) -> Samples:
        """Return the rest of the stream; another may begin."""
        resamplers, self._resamplers, self._rate = self._resamplers, (), BLOCK_RATE
        if not resamplers:
            return np.zeros((0, self._channels), np.float32)
        return np.stack([resampler.flush() for resampler in resamplers], axis=1)

    def _spread(self, frame: AudioFrame) -> Samples:
        samples = from_pcm(frame.pcm)
        whole = len(samples) - len(samples) % frame.channels
        sound = samples[:whole].reshape(-1, frame.channels)
        if frame.channels == self._channels:
            return sound
        mono = sound.mean(axis=1, keepdims=True, dtype=np.float32)
        return np.repeat(mono, self._channels, axis=1)
