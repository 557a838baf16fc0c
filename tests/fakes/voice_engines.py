"""Voice engines that are not: tones for words, texts for clips, with timing and faults as data."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.domain.audio import AudioClip, AudioFrame
from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.jobs import Job
from services.voice.engines.wire import Header
from services.voice.recognition import Transcript
from services.voice.synthesis import Voice, VoiceListing
from tests.fakes.clock import ManualClock

_FRAME_SECONDS = 0.1


def voice_error(name: str, fault: ProviderFault = ProviderFault.UNREACHABLE) -> ProviderError:
    return ProviderError(name, fault, f"The voice engine {name} fails.")


def sine(hertz: float, seconds: float, rate: int, *, loudness: float = 0.3) -> bytes:
    moments = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * moments) * loudness * 32767).astype("<i2").tobytes()


@dataclass(slots=True)
class FakeSpeech:
    """Speaks each character for ``seconds_per_character`` as a tone of ``hertz``.

    ``first_seconds`` pass before the first frame and ``frame_seconds`` before each later one.
    With ``fails_after`` it raises after that many frames; ``fails_to_open`` says what it is.
    """

    name: str = "fake"
    rate: int = 24000
    hertz: float = 220.0
    seconds_per_character: float = 0.06
    first_seconds: float = 0.0
    frame_seconds: float = 0.0
    fails_after: int | None = None
    fails_to_open: bool = False
    said: list[tuple[str, Voice]] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    active: int = 0
    stopped: int = 0

    async def open(self) -> None:
        self.opened += 1
        if self.fails_to_open:
            raise voice_error(self.name)

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        self.said.append((text, voice))
        self.active += 1
        ended = False
        try:
            seconds = len(text.strip()) * self.seconds_per_character / voice.speed
            pcm = sine(self.hertz, seconds, self.rate)
            size = int(self.rate * _FRAME_SECONDS) * 2
            await asyncio.sleep(self.first_seconds)
            for place, start in enumerate(range(0, len(pcm), size)):
                if place == self.fails_after:
                    raise voice_error(self.name, ProviderFault.BROKEN_STREAM)
                if place:
                    await asyncio.sleep(self.frame_seconds)
                at = start / (2 * self.rate)
                part = pcm[start : start + size]
                yield AudioFrame(pcm=part, rate=self.rate, channels=1, started_at=at)
            ended = True
        finally:
            self.active -= 1
            self.stopped += not ended

    async def voices(self) -> Sequence[VoiceListing]:
        return [VoiceListing(name="one", language="en-US")]

    async def close(self) -> None:
        self.closed += 1


@dataclass(slots=True)
class FakeEars:
    """Gives ``texts`` in order, then ``default``, each after ``seconds``; no sound is no words."""

    name: str = "fake"
    texts: deque[str] = field(default_factory=deque)
    default: str = "hello"
    seconds: float = 0.0
    failure: ProviderError | None = None
    heard: list[AudioClip] = field(default_factory=list)
    dropped: int = 0

    async def open(self) -> None:
        return None

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        self.heard.append(clip)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        if self.failure is not None:
            raise self.failure
        if not any(clip.pcm):
            return Transcript(text="", language=language, confidence=0.0)
        text = self.texts.popleft() if self.texts else self.default
        return Transcript(text=text, language=language or "en", confidence=0.9)

    async def close(self) -> None:
        return None


@dataclass(slots=True)
class FakeConverter:
    """Gives clips back as they are, at ``rate``; each takes ``seconds`` of the clock."""

    clock: ManualClock
    name: str = "fake-rvc"
    rate: int = 40000
    seconds: float = 0.0
    fails_from: int | None = None
    clips: list[AudioClip] = field(default_factory=list)

    async def open(self) -> None:
        return None

    async def convert(self, clip: AudioClip, /, *, target: ConversionTarget) -> AudioClip:
        if self.fails_from is not None and len(self.clips) >= self.fails_from:
            raise voice_error(self.name)
        self.clips.append(clip)
        self.clock.advance(self.seconds)
        await asyncio.sleep(0)
        samples = np.frombuffer(clip.pcm, "<i2").astype(np.float64)
        places = np.arange(round(len(samples) * self.rate / clip.rate)) * clip.rate / self.rate
        made = np.interp(places, np.arange(len(samples)), samples)
        return AudioClip(pcm=made.astype("<i2").tobytes(), rate=self.rate)

    async def models(self) -> Sequence[str]:
        return ["nora"]

    async def close(self) -> None:
        return None


def open_fake_engine(options: Header) -> FakeEngine:
    """Load nothing; what is asked says what happens."""
    if message := options.get("refuse"):
        raise ProviderError("fake", ProviderFault.MODEL_MISSING, str(message))
    if module := options.get("imports"):
        __import__(str(module))
    return FakeEngine()


class FakeEngine:
    """An engine for a child process."""

    def __init__(self) -> None:
        self._worked = 0

    def about(self) -> Header:
        import os

        return {"nice": os.nice(0), "threads": os.environ.get("OMP_NUM_THREADS")}

    def run(self, job: Job, /) -> None:
        import os
        import time

        match job.header["op"]:
            case "echo":
                job.finish(job.payload, text=job.header.get("text"))
            case "count":
                for place in range(job.header["to"]):
                    self._worked += 1
                    job.answer(bytes([place % 256]) * 2, place=place)
                    time.sleep(job.header.get("pause", 0.0))
                job.finish()
            case "worked":
                job.finish(worked=self._worked)
            case "die":
                os.kill(os.getpid(), 9)
            case "hang":
                time.sleep(3600)
            case "fail":
                raise ValueError(job.header["text"])
            case "print":
                print("noise on standard output", flush=True)  # noqa: T201
                job.finish()
