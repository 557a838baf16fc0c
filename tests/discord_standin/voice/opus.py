"""Opus through discord.py, with the libopus of the system or the one PyAV brings."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Final

import discord.opus

RATE: Final = 48_000
CHANNELS: Final = 2
FRAME_BYTES: Final = RATE // 50 * CHANNELS * 2
"""Twenty milliseconds of stereo, 16 bits a sample."""


@functools.cache
def load_opus() -> bool:
    """Load libopus where discord.py has none yet, and say whether it is there."""
    if discord.opus.is_loaded() or discord.opus._load_default():
        return True
    found = importlib.util.find_spec("av")
    if found is None or found.origin is None:
        return False
    beside = Path(found.origin).parents[1] / "av.libs"
    for path in sorted(beside.glob("libopus*")):
        discord.opus.load_opus(str(path))
    return discord.opus.is_loaded()


class Encoder:
    """Turns frames of PCM into Opus, as a person's client would."""

    def __init__(self, *, bitrate_kbps: int = 64) -> None:
        load_opus()
        self._encoder = discord.opus.Encoder(application="voip", bitrate=bitrate_kbps)

    def encode(self, pcm: bytes) -> bytes:
        """Return the Opus frame of exactly twenty milliseconds."""
        return bytes(self._encoder.encode(pcm, self._encoder.SAMPLES_PER_FRAME))


class Decoder:
    """Turns one sender's frames into PCM, in order."""

    def __init__(self) -> None:
        load_opus()
        self._decoder = discord.opus.Decoder()

    def decode(self, opus: bytes) -> bytes:
        """Return the sound of a frame."""
        return bytes(self._decoder.decode(opus, fec=False))
