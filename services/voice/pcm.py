"""Sound as numbers: to and from 16-bit samples, and from one rate to another."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Numbers from -1 to 1."""

_FULL_SCALE = 32767.0
_TAPS = 16
_MOST_PHASES = 1000


def from_pcm(pcm: bytes) -> Samples:
    """Return 16-bit samples as numbers from -1 to 1; half a sample at the end is dropped."""
    whole = len(pcm) - len(pcm) % 2
    return np.frombuffer(pcm[:whole], "<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def to_pcm(samples: Samples) -> bytes:
    """Return numbers from -1 to 1 as 16-bit samples; what is louder is clipped."""
    return (np.clip(samples, -1.0, 1.0) * _FULL_SCALE).round().astype("<i2").tobytes()


class Resampler:
    """Changes the rate of a stream by windowed-sinc interpolation, 16 taps on either side.

    ``step`` is how many samples go in for one that comes out, taken as the nearest fraction with
    a denominator up to 1000 (exact for every usual rate). Played at the old rate, the result is
    ``step`` times as fast and as high. What comes out does not depend on how the stream was cut.
    """

    def __init__(self, step: float) -> None:
        ratio = Fraction(step).limit_denominator(_MOST_PHASES)
        self._down, self._up = max(1, ratio.numerator), ratio.denominator
        self._weights = _weights(self._down, self._up)
        self._half = self._weights.shape[1] // 2
        self._held = np.zeros(self._half, np.float32)
        self._at = self._half * self._up

    def feed(self, samples: Samples) -> Samples:
        """Return the samples that can be told by now."""
        self._held = np.concatenate([self._held, samples])
        count = -((self._at - (len(self._held) - self._half) * self._up) // self._down)
        if count <= 0:
            return np.zeros(0, np.float32)
        first, phase = np.divmod(self._at + self._down * np.arange(count), self._up)
        taken = sliding_window_view(self._held, 2 * self._half)[first + 1 - self._half]
        made: Samples = np.einsum("ij,ij->i", self._weights[phase], taken)
        following = self._at + self._down * count
        done = max(0, following // self._up - self._half)
        self._held, self._at = self._held[done:], following - done * self._up
        return made

    def flush(self) -> Samples:
        """Return the rest of the stream."""
        return self.feed(np.zeros(self._half, np.float32))


def resampled(samples: Samples, *, rate: int, wanted: int) -> Samples:
    """Return a whole sound at another rate."""
    if rate == wanted:
        return samples
    resampler = Resampler(rate / wanted)
    made = np.concatenate([resampler.feed(samples), resampler.flush()])
    return made[: round(len(samples) * wanted / rate)]


@lru_cache(maxsize=16)
def _weights(down: int, up: int) -> Samples:
    """Return a row of taps for each place between two samples that can be asked for."""
    cutoff = min(1.0, up / down)
    half = int(np.ceil(_TAPS / cutoff))
    away = np.arange(up)[:, None] / up - np.arange(1 - half, half + 1)[None, :]
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip(away / half, -1, 1))
    weights = np.sinc(cutoff * away) * window
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
