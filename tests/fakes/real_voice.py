"""The packaged engines as a call has them, and ways to end their processes in the midst of work."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.domain.audio import AudioClip, AudioFrame
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.engines.model_catalog import PIPER_JOE, WHISPER_TINY_EN
from services.voice.engines.process_ears import ProcessEars
from services.voice.engines.process_engines import faster_whisper, piper
from services.voice.engines.process_speech import ProcessSpeech
from services.voice.engines.rvc.process_converter import RvcProcess
from services.voice.listening.samples import SAMPLE_RATE
from services.voice.pcm import from_pcm, resampled, to_pcm
from services.voice.recognition import Transcript
from services.voice.synthesis import Voice, VoiceListing

_LOOK_SECONDS = 0.01

T = TypeVar("T")


class Running(Protocol):
    """What works in a process."""

    @property
    def process_id(self) -> int | None: ...


async def work_of(engine: Running, work: Awaitable[T], *, dies: bool) -> T:
    """Return what comes of a job, whose process is killed as soon as it has begun if it ``dies``.

    Raises ``ProviderError``.
    """
    failure: ProviderError | None = None
    async with asyncio.TaskGroup() as group:
        killing = group.create_task(_kill(engine)) if dies else None
        try:
            return await work
        except ProviderError as error:
            failure = error
        finally:
            if killing is not None:
                killing.cancel()
    assert failure is not None
    raise failure


async def _kill(engine: Running) -> None:
    """Kill an engine's process, or the next one if there is none."""
    while (process := engine.process_id) is None:  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(_LOOK_SECONDS)
    os.kill(process, signal.SIGKILL)


@dataclass(slots=True)
class MortalEars:
    """Ears whose process is killed at work as often as ``deaths`` says."""

    inner: ProcessEars
    deaths: int = 0
    name: str = "whisper"

    async def open(self) -> None:
        await self.inner.open()

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        dies, self.deaths = self.deaths > 0, max(0, self.deaths - 1)
        work = self.inner.transcribe(clip, language=language)
        return await work_of(self.inner, work, dies=dies)

    async def close(self) -> None:
        await self.inner.close()


@dataclass(slots=True)
class MortalSpeech:
    """A voice whose process is killed when it begins what follows the next ``spared`` clauses."""

    inner: ProcessSpeech
    deaths: int = 0
    spared: int = 0
    name: str = "piper"

    async def open(self) -> None:
        await self.inner.open()

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        async with aclosing(self.inner.synthesize(text, voice=voice)) as frames:
            if self.spared:
                self.spared -= 1
            elif self.deaths:
                self.deaths -= 1
                yield await work_of(self.inner, anext(frames), dies=True)
            async for frame in frames:
                yield frame

    async def voices(self) -> Sequence[VoiceListing]:
        return await self.inner.voices()

    async def close(self) -> None:
        await self.inner.close()


@dataclass(slots=True)
class MortalConverter:
    """A converter whose process is killed at the piece after the next ``spared``, if it ``dies``.

    ``made`` counts the pieces.
    """

    inner: RvcProcess
    dies: bool = False
    spared: int = 0
    made: int = 0
    name: str = "rvc"

    async def open(self) -> None:
        await self.inner.open()

    async def convert(self, clip: AudioClip, /, *, target: ConversionTarget) -> AudioClip:
        dies = self.dies and self.made == self.spared
        self.dies = self.dies and not dies
        made = await work_of(self.inner, self.inner.convert(clip, target=target), dies=dies)
        self.made += 1
        return made

    async def models(self) -> Sequence[str]:
        return await self.inner.models()

    async def close(self) -> None:
        await self.inner.close()


@asynccontextmanager
async def real_ears() -> AsyncIterator[MortalEars]:
    """Load Whisper."""
    ears = MortalEars(faster_whisper(WHISPER_TINY_EN.verified()))
    try:
        await ears.open()
        yield ears
    finally:
        await ears.close()


@asynccontextmanager
async def real_speech() -> AsyncIterator[MortalSpeech]:
    """Load Piper."""
    speech = MortalSpeech(piper([PIPER_JOE.verified()], noise=0))
    try:
        await speech.open()
        yield speech
    finally:
        await speech.close()


def only(speech: MortalSpeech) -> FallbackSpeech:
    """Return a voice as settings with one engine make it."""
    return FallbackSpeech(
        [SpeechChoice(engine=speech)], clock=SystemClock(), on_notice=lambda code, text: None
    )


async def clip_of(
    speech: MortalSpeech | ProcessSpeech, text: str, *, voice: Voice | None = None
) -> bytes:
    """Return somebody's voice saying a text: 16 kHz, mono, 16 bits."""
    async with aclosing(speech.synthesize(text, voice=voice or Voice())) as frames:
        made = [frame async for frame in frames]
    samples = from_pcm(b"".join(frame.pcm for frame in made))
    return to_pcm(resampled(samples, rate=made[0].rate, wanted=SAMPLE_RATE))
