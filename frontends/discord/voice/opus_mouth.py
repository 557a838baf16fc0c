"""Turns blocks of sound into the Opus frames that Discord carries."""

from __future__ import annotations

import ctypes
from enum import IntEnum
from typing import Final

from frontends.discord.voice.libopus import libopus
from services.domain.errors import AcoreError
from services.voice.audio_io import BLOCK_BYTES, BLOCK_CHANNELS, BLOCK_RATE, BLOCK_SECONDS

SILENCE: Final = b"\xf8\xff\xfe"
"""The frame of silence, the same for every encoder; five of them end a stretch of sound.

https://discord.com/developers/docs/topics/voice-connections#voice-data-interpolation
"""

_SAMPLES: Final = int(BLOCK_RATE * BLOCK_SECONDS)
_LARGEST: Final = 1275
"""No frame is longer: RFC 6716, section 3.4."""

_SET_BITRATE: Final = 4002
_SET_COMPLEXITY: Final = 4010
_SET_INBAND_FEC: Final = 4012
_SET_PACKET_LOSS_PERC: Final = 4014
_RESET_STATE: Final = 4028


class Application(IntEnum):
    """What the sound is; numbers of ``opus_defines.h``."""

    VOIP = 2048
    AUDIO = 2049


class OpusMouth:
    """An encoder for one stream of 48 kHz stereo; for one thread at a time.

    Args:
        application: ``VOIP`` favours speech, ``AUDIO`` music.
        bitrate: In bits a second; Discord's channels carry 64,000 without boosts.
        expected_loss: The share of packets that gets lost; above 0, each frame repeats some of the
            one before it, for listeners who missed that.
        complexity: 0 to 10: how hard to try; 5 takes a quarter less time than the library's 9.

    Raises:
        AcoreError: there is no Opus library, or it takes no such values.
    """

    def __init__(
        self,
        *,
        application: Application = Application.VOIP,
        bitrate: int = 64_000,
        expected_loss: float = 0.1,
        complexity: int = 5,
    ) -> None:
        self._opus = libopus()
        self._encode = self._opus.opus_encode
        self._encode.argtypes = [
            *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int),
            *(ctypes.c_void_p, ctypes.c_int32),
        ]
        self._state = ctypes.create_string_buffer(self._opus.opus_encoder_get_size(BLOCK_CHANNELS))
        self._frame = ctypes.create_string_buffer(_LARGEST)
        _demand(
            self._opus.opus_encoder_init(self._state, BLOCK_RATE, BLOCK_CHANNELS, int(application))
        )
        self._set(_SET_BITRATE, bitrate)
        self._set(_SET_INBAND_FEC, int(expected_loss > 0))
        self._set(_SET_PACKET_LOSS_PERC, round(expected_loss * 100))
        self._set(_SET_COMPLEXITY, complexity)

    def encode(self, block: bytes) -> bytes:
        """Return the Opus frame of 20 ms; gives the interpreter away meanwhile.

        Raises:
            ValueError: ``block`` is no block of ``services.voice.audio_io``.
            AcoreError: the library failed.
        """
        if len(block) != BLOCK_BYTES:
            raise ValueError(f"a block has {BLOCK_BYTES} bytes, not {len(block)}")  # noqa: TRY003
        size = self._encode(self._state, block, _SAMPLES, self._frame, _LARGEST)
        _demand(min(size, 0))
        return ctypes.string_at(self._frame, size)

    def forget(self) -> None:
        """Begin anew: the next frame repeats and continues nothing that came before."""
        _demand(self._opus.opus_encoder_ctl(self._state, _RESET_STATE))

    def _set(self, request: int, value: int) -> None:
        _demand(self._opus.opus_encoder_ctl(self._state, request, ctypes.c_int32(value)))


def _demand(result: int) -> None:
    """Raise where the library returned an error."""
    if result < 0:
        raise AcoreError("opus", f"The Opus library refused what it was given (error {result}).")
