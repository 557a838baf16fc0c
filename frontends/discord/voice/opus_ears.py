"""Turns the Opus frames of one speaker into 16 kHz mono, the rate recognition wants."""

from __future__ import annotations

import ctypes
from typing import Final

from frontends.discord.voice.libopus import libopus
from services.domain.errors import AcoreError

RATE: Final = 16_000
FRAME_SECONDS: Final = 0.02

_CHANNELS: Final = 1
_LONGEST: Final = RATE * 120 // 1000
"""No packet has more samples: RFC 6716, section 2.1.4."""
_SAMPLE_BYTES: Final = 2


class OpusEars:
    """A decoder for one stream, which Opus itself brings to 16 kHz; for one thread at a time.

    What cannot be decoded leaves the decoder as it was: the next good frame goes on from there.

    Raises:
        AcoreError: there is no Opus library.
    """

    def __init__(self) -> None:
        opus = libopus()
        self._decode = opus.opus_decode
        self._decode.argtypes = [
            *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32),
            *(ctypes.c_void_p, ctypes.c_int, ctypes.c_int),
        ]
        self._memory = (
            ctypes.create_string_buffer(opus.opus_decoder_get_size(_CHANNELS)),
            ctypes.create_string_buffer(_LONGEST * _SAMPLE_BYTES),
        )
        self._state, self._sound = map(ctypes.addressof, self._memory)
        self._last = int(RATE * FRAME_SECONDS)
        if opus.opus_decoder_init(self._memory[0], RATE, _CHANNELS) < 0:
            raise AcoreError("opus", "The Opus library cannot decode; install another one.")

    def hear(self, frame: bytes) -> bytes | None:
        """Return a frame's sound, 2.5 to 120 ms of it, or ``None`` where it is no Opus."""
        if not frame:  # to the library, that would mean a lost one
            return None
        samples = self._decode(self._state, frame, len(frame), self._sound, _LONGEST, 0)
        if samples <= 0:
            return None
        self._last = samples
        return ctypes.string_at(self._sound, samples * _SAMPLE_BYTES)

    def guess(self, following: bytes | None = None) -> bytes | None:
        """Return sound in place of a lost frame, as long as the last one.

        Args:
            following: The frame after the lost one, which may repeat some of it.
        """
        size = 0 if following is None else len(following)
        samples = self._decode(
            self._state, following or None, size, self._sound, self._last, int(size > 0)
        )
        return None if samples <= 0 else ctypes.string_at(self._sound, samples * _SAMPLE_BYTES)
