"""Log-mel features as Whisper defines them, in numpy."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from services.voice.listening.samples import SAMPLE_RATE, Samples

_FFT = 400
_HOP = 160
_FLOOR = 1e-10
_RANGE = 8.0
_LINEAR_MELS = 15.0
_LINEAR_HERTZ = 1000.0
_HERTZ_PER_MEL = 200.0 / 3
_LOG_STEP = np.log(6.4) / 27.0


def log_mel(samples: Samples, /, *, mels: int = 80) -> npt.NDArray[np.float32]:
    """Return ``(mels, len(samples) // 160)`` features scaled as Whisper's encoder expects.

    Power in 25 ms Hann windows every 10 ms, centred with reflection, on Slaney's mel scale up to
    8 kHz; log10, cut at 8 below the loudest, then ``(x + 4) / 4``.
    """
    padded = np.pad(samples.astype(np.float32), _FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    frames = frames[: len(samples) // _HOP]
    power = np.abs(np.fft.rfft(frames * _hann(), axis=1)).astype(np.float32) ** 2
    logarithm = np.log10(np.maximum(power @ _filters(mels), _FLOOR))
    cut = np.maximum(logarithm, logarithm.max() - _RANGE)
    return np.ascontiguousarray(((cut + 4.0) / 4.0).T, dtype=np.float32)


@cache
def _hann() -> npt.NDArray[np.float32]:
    phase = 2 * np.pi * np.arange(_FFT) / _FFT
    return np.asarray(0.5 - 0.5 * np.cos(phase), dtype=np.float32)


@cache
def _filters(mels: int) -> npt.NDArray[np.float32]:
    """Return triangles of equal area between neighbours on the mel scale, one a column."""
    top = _LINEAR_MELS + np.log(SAMPLE_RATE / 2 / _LINEAR_HERTZ) / _LOG_STEP
    corners = _hertz(np.linspace(0.0, top, mels + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, _FFT // 2 + 1)[:, np.newaxis]
    low, peak, high = corners[:-2], corners[1:-1], corners[2:]
    rising = (bins - low) / (peak - low)
    falling = (high - bins) / (high - peak)
    triangles = np.clip(np.minimum(rising, falling), 0.0, None)
    return np.asarray(triangles * 2.0 / (high - low), dtype=np.float32)


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _LINEAR_HERTZ * np.exp(_LOG_STEP * (np.maximum(mel, _LINEAR_MELS) - _LINEAR_MELS))
    return np.where(mel < _LINEAR_MELS, mel * _HERTZ_PER_MEL, above)
