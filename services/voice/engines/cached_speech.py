"""Speech that is kept and said again without the engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from services.domain.audio import AudioClip, AudioFrame
from services.voice.clip_cache import ClipCache, ClipKey
from services.voice.synthesis import TextToSpeech, Voice, VoiceListing

_FRAMES_PER_SECOND = 10
_LONGEST_TEXT = 80


class CachedSpeech:
    """A ``TextToSpeech`` that keeps short texts: greetings and fillers come again, the rest hardly.

    Only what was said to its end is kept. ``engine`` tells apart engines of one name whose models
    differ.
    """

    def __init__(
        self,
        inner: TextToSpeech,
        clips: ClipCache,
        *,
        engine: str | None = None,
        longest_text: int = _LONGEST_TEXT,
    ) -> None:
        self._inner = inner
        self._clips = clips
        self._engine = engine or inner.name
        self._longest_text = longest_text

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._inner.name

    async def open(self) -> None:
        """Make the engine ready. Raises ``ProviderError``."""
        await self._inner.open()

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the kept clip or what the engine says. Raises ``ProviderError``."""
        keeping = len(text) <= self._longest_text
        key = ClipKey(engine=self._engine, voice=voice, text=text)
        if keeping and (clip := await self._clips.get(key)) is not None:
            for frame in _frames(clip):
                yield frame
            return
        pcm = bytearray()
        rates = set[int]()
        async with aclosing(self._inner.synthesize(text, voice=voice)) as frames:
            async for frame in frames:
                rates.add(frame.rate)
                if keeping:
                    pcm += frame.pcm
                yield frame
        if keeping and len(rates) == 1:
            await self._clips.put(key, AudioClip(pcm=bytes(pcm), rate=rates.pop()))

    async def voices(self) -> Sequence[VoiceListing]:
        """List the engine's voices. Raises ``ProviderError``."""
        return await self._inner.voices()

    async def close(self) -> None:
        """Close the engine; the clips stay."""
        await self._inner.close()


def _frames(clip: AudioClip) -> list[AudioFrame]:
    size = clip.rate // _FRAMES_PER_SECOND * 2
    return [
        AudioFrame(
            pcm=clip.pcm[start : start + size],
            rate=clip.rate,
            channels=1,
            started_at=start / (2 * clip.rate),
        )
        for start in range(0, len(clip.pcm), size)
    ]
