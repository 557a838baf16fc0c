"""The form in which sound is listened to: mono at 16 kHz, in windows of 32 ms."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000
BYTES_PER_SECOND = 2 * SAMPLE_RATE
WINDOW = 512
"""Samples in the window a voice activity detector judges."""
WINDOW_BYTES = 2 * WINDOW
WINDOW_SECONDS = WINDOW / SAMPLE_RATE

Samples: TypeAlias = npt.NDArray[np.float32]


def to_samples(pcm: bytes | bytearray) -> Samples:
    """Return signed 16-bit little-endian PCM as floats from -1 to 1."""
    return np.frombuffer(bytes(pcm), dtype="<i2").astype(np.float32) / np.float32(32768)


def duration(pcm: bytes | bytearray) -> float:
    """Return the seconds that PCM at 16 kHz lasts."""
    return len(pcm) / BYTES_PER_SECOND
