"""The pitch of a voice, without a model: autocorrelation after McLeod and Wyvill (2005)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.voice.pcm import Samples

LOWEST_HZ, HIGHEST_HZ = 50.0, 1100.0
_WINDOW = 1024
_VOICED = 0.5
_NEAR_BEST = 0.85
_QUIET = 1e-3
_BINS = 254.0


def pitch_of(samples: Samples, *, rate: int, frames: int) -> NDArray[np.float32]:
    """Return the pitch in Hz at ``frames`` places 10 ms apart, 0 where there is no voice."""
    hop = rate // 100
    half = _WINDOW // 2
    padded = np.pad(samples, (half, half + max(0, frames * hop - len(samples))))
    starts = np.arange(frames) * hop
    windows = padded[starts[:, None] + np.arange(_WINDOW)[None, :]]
    windows = windows - windows.mean(axis=1, keepdims=True)
    alike = _normalised_autocorrelation(windows)
    shortest, longest = int(rate / HIGHEST_HZ), min(int(rate / LOWEST_HZ), half - 2)
    found = np.zeros(frames, np.float32)
    loud = np.abs(windows).max(axis=1) > _QUIET
    for place in np.flatnonzero(loud):
        found[place] = _peak(alike[place], shortest, longest, rate)
    return _smoothed(found)


def coarse_pitch(pitch: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the pitch as the 1 to 255 steps on the mel scale that RVC's networks know."""
    mel = 1127 * np.log(1 + pitch / 700)
    low, high = 1127 * np.log(1 + LOWEST_HZ / 700), 1127 * np.log(1 + HIGHEST_HZ / 700)
    steps = np.where(pitch > 0, (mel - low) * _BINS / (high - low) + 1, 1)
    return np.clip(np.rint(steps), 1, 255).astype(np.int64)


def _normalised_autocorrelation(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    spectrum = np.fft.rfft(windows, 2 * _WINDOW, axis=1)
    plain = np.fft.irfft(spectrum * spectrum.conj(), axis=1)[:, :_WINDOW]
    squares = windows.astype(np.float64) ** 2
    before = np.cumsum(squares, axis=1)
    total = before[:, -1:]
    left = np.concatenate([total, total - before[:, :-1]], axis=1)  # from the lag on
    right = before[:, ::-1]  # up to the lag from the end
    return (2 * plain / (left + right + 1e-9)).astype(np.float32)


def _peak(alike: NDArray[np.float32], shortest: int, longest: int, rate: int) -> float:
    """Return the frequency of the first peak that is nearly the best one."""
    part = alike[shortest : longest + 1]
    inside = part[1:-1]
    peaks = np.flatnonzero((inside > part[:-2]) & (inside >= part[2:])) + 1
    if not len(peaks) or (best := float(part[peaks].max())) < _VOICED:
        return 0.0
    first = int(peaks[part[peaks] >= _NEAR_BEST * best][0])
    low, middle, high = (float(value) for value in part[first - 1 : first + 2])
    bend = low - 2 * middle + high
    shift = 0.5 * (low - high) / bend if bend else 0.0
    return rate / (shortest + first + shift)


def _smoothed(pitch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take out single places that stand alone."""
    if len(pitch) < 3:
        return pitch
    around = np.stack([pitch[:-2], pitch[1:-1], pitch[2:]])
    calm = pitch.copy()
    calm[1:-1] = np.median(around, axis=0)
    return calm
