"""What fake people say: WAV files, PCM and tones as Opus frames."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.discord_standin.voice.opus import CHANNELS, FRAME_BYTES, RATE, Encoder


def frames_of_pcm(pcm: bytes) -> list[bytes]:
    """Encode 48 kHz stereo of 16 bits; the last frame is filled up with silence."""
    encoder = Encoder()
    starts = range(0, len(pcm), FRAME_BYTES)
    return [encoder.encode(pcm[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0")) for at in starts]


def frames_of_wav(path: Path) -> list[bytes]:
    """Encode a WAV file of 16 bits, of any rate, mono or stereo."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path.name} has not 16 bits a sample")
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        channels, rate = file.getnchannels(), file.getframerate()
    return frames_of_pcm(to_stereo(data.reshape(-1, channels), rate))


def to_stereo(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]], rate: int) -> bytes:
    """Return samples (time by channel) as 48 kHz stereo, interpolated linearly."""
    if rate != RATE:
        count = len(samples) * RATE // rate
        at = np.arange(count) * rate / RATE
        known = np.arange(len(samples))
        columns = [np.interp(at, known, column) for column in samples.T]
        samples = np.stack(columns, axis=1).astype("<i2")
    if samples.shape[1] == 1:
        samples = np.repeat(samples, CHANNELS, axis=1)
    return samples[:, :CHANNELS].astype("<i2").tobytes()


def tone(frequency: float, seconds: float, *, volume: float = 0.3) -> bytes:
    """Return a sine as PCM."""
    count = int(RATE * seconds)
    values = (
        int(32_767 * volume * math.sin(2 * math.pi * frequency * at / RATE)) for at in range(count)
    )
    return b"".join(struct.pack("<hh", value, value) for value in values)


def numbered_frames(mark: int, count: int) -> Sequence[bytes]:
    """Return frames that are no sound but told apart by what is in them; for tests of transport.

    Args:
        mark: Below 256, to tell speakers apart.
        count: How many.
    """
    return [b"\x78" + bytes([mark]) + number.to_bytes(4) * 20 for number in range(count)]
