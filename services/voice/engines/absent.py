"""Engines that are not there: each use says what to do about it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from services.domain.audio import AudioClip, AudioFrame
from services.domain.errors import ProviderError, ProviderFault
from services.voice.recognition import Transcript
from services.voice.synthesis import Voice, VoiceListing

_NO_FRAMES: Sequence[AudioFrame] = ()


class _Absent:
    name = "none"

    def __init__(self, sentence: str, *, fault: ProviderFault) -> None:
        self._sentence = sentence
        self._fault = fault

    def error(self) -> ProviderError:
        """Return the error of every use."""
        return ProviderError(self.name, self._fault, self._sentence)

    async def open(self) -> None:
        """Raise ``ProviderError``."""
        raise self.error()

    async def close(self) -> None:
        """Do nothing."""


class AbsentSpeech(_Absent):
    """A ``TextToSpeech`` where nothing can speak."""

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Raise ``ProviderError``."""
        for frame in _NO_FRAMES:
            yield frame
        raise self.error()

    async def voices(self) -> Sequence[VoiceListing]:
        """Raise ``ProviderError``."""
        raise self.error()


class AbsentEars(_Absent):
    """A ``SpeechToText`` where nothing can listen."""

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        """Raise ``ProviderError``."""
        raise self.error()
