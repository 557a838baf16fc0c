"""Transcription with a limit on time and on how much is done at once."""

from __future__ import annotations

import asyncio

from services.domain.audio import AudioClip
from services.domain.errors import ProviderError, ProviderFault
from services.voice.listening.samples import SAMPLE_RATE
from services.voice.recognition import SpeechToText, Transcript

_TRIES = 2
_PAUSE = 0.3


class Transcriber:
    """Asks an engine about clips, at most ``at_once`` at a time, each for ``seconds`` at most.

    A failed call is made once more, since an engine's process may just have been started again.
    """

    def __init__(self, engine: SpeechToText, *, at_once: int = 2, seconds: float = 10.0) -> None:
        self._engine = engine
        self._places = asyncio.Semaphore(at_once)
        self._seconds = seconds

    async def transcribe(self, pcm: bytes, /, *, language: str | None) -> Transcript:
        """Return the words of PCM at 16 kHz. Raises ``ProviderError`` after the second failure."""
        clip = AudioClip(pcm=pcm, rate=SAMPLE_RATE)
        for _ in range(_TRIES - 1):
            try:
                return await self._once(clip, language)
            except ProviderError:
                await asyncio.sleep(_PAUSE)
        return await self._once(clip, language)

    async def _once(self, clip: AudioClip, language: str | None) -> Transcript:
        async with self._places:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._engine.transcribe(clip, language=language)
            except TimeoutError as error:
                raise ProviderError(
                    self._engine.name,
                    ProviderFault.TIMEOUT,
                    "Listening takes too long: choose a smaller speech recognition model.",
                ) from error
