"""WAV files, read as they arrive and written whole: 16-bit samples only."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np

from services.domain.audio import AudioClip

_RIFF = b"RIFF"
_PCM = 1
_EXTENSIBLE = 0xFFFE
_SAMPLE_BITS = 16
_HEAD = 12
_LONGEST_HEADER = 1 << 16


class WavError(Exception):
    """It is not a WAV file of 16-bit samples."""


def wav_of(clip: AudioClip) -> bytes:
    """Return the clip as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(clip.rate)
        writer.writeframes(clip.pcm)
    return out.getvalue()


def clip_of(data: bytes) -> AudioClip:
    """Return the sound of a whole WAV file, mixed to one channel. Raises ``WavError``."""
    stream = PcmStream(rate=0)
    pcm = stream.feed(data)
    if not stream.rate:
        raise WavError("too short")  # noqa: TRY003
    return AudioClip(pcm=pcm, rate=stream.rate)


class PcmStream:
    """Bytes of a WAV file, or of bare samples at ``rate``, become mono samples as they arrive.

    Which of both it is shows in the first bytes. Lengths in the header are not believed: servers
    that stream do not know them.
    """

    def __init__(self, *, rate: int) -> None:
        self.rate = rate
        self._channels = 1
        self._held = b""
        self._in_sound = False

    def feed(self, data: bytes) -> bytes:
        """Return the samples that are complete by now. Raises ``WavError``."""
        self._held += data
        if not self._in_sound and not self._reach_sound():
            return b""
        size = 2 * self._channels
        whole = len(self._held) // size * size
        pcm, self._held = self._held[:whole], self._held[whole:]
        if self._channels == 1:
            return pcm
        samples = np.frombuffer(pcm, "<i2").reshape(-1, self._channels)
        mixed: bytes = samples.mean(axis=1).astype("<i2").tobytes()
        return mixed

    def _reach_sound(self) -> bool:
        if len(self._held) < _HEAD:
            return False
        if not self._held.startswith(_RIFF):
            self._in_sound = bool(self.rate)
            if not self._in_sound:
                raise WavError("no WAV header")  # noqa: TRY003
            return True
        at = _HEAD
        while at + 8 <= len(self._held):
            kind, size = struct.unpack_from("<4sI", self._held, at)
            at += 8
            if kind == b"data":
                self._held, self._in_sound = self._held[at:], True
                return True
            if kind == b"fmt " and at + 16 <= len(self._held):
                self._understand(at)
            at += size + size % 2
        if len(self._held) > _LONGEST_HEADER:
            raise WavError("no sound in it")  # noqa: TRY003
        return False

    def _understand(self, at: int) -> None:
        form, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", self._held, at)
        if form not in (_PCM, _EXTENSIBLE) or bits != _SAMPLE_BITS or not channels or not rate:
            raise WavError("not 16-bit samples")  # noqa: TRY003
        self._channels, self.rate = channels, rate
