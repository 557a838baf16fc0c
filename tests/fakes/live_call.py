"""A call in real time: people speak in tones, the bot in another, everything between is real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from services.domain.audio import AudioClip, AudioFrame, SpeakerFrame
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.domain.replies import Delivery
from services.llm.model import ChatModel
from services.settings import VoiceSettings
from services.voice.audio_io import BLOCK_SECONDS, BlockSource
from services.voice.call import VoiceCall
from services.voice.call_events import CallEvent
from services.voice.listening.samples import BYTES_PER_SECOND, SAMPLE_RATE
from services.voice.listening.wake import WakeRule
from services.voice.recognition import SpeechToText, Transcript
from services.voice.service import CallOpening, Detector, Engines, VoiceService
from services.voice.synthesis import TextToSpeech
from services.voice.voices import Voices
from tests.fakes.app import App, opened_app
from tests.fakes.speech import LoudnessDetection, ScriptedCompletion, understood
from tests.fakes.voice_call import ANN
from tests.fakes.voice_engines import FakeSpeech

HERE = ConversationId("test", "local", "call")
PATIENCE = 15.0

E = TypeVar("E")


class ToneEars:
    """Understands tones at once; ``texts`` are what certain words really say."""

    name = "tones"

    def __init__(self, texts: dict[str, str] | None = None) -> None:
        self.texts = texts or {}
        self.failing: Exception | None = None

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        if self.failing is not None:
            raise self.failing
        heard = understood(clip.pcm)
        return Transcript(text=self.texts.get(heard, heard))


class People:
    """Whoever speaks in the call, frame by frame on the clock."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[SpeakerFrame] = asyncio.Queue()

    async def frames(self) -> AsyncGenerator[SpeakerFrame, None]:
        while True:
            yield await self._frames.get()

    async def say(self, pcm: bytes, *, by: Author = ANN) -> float:
        """Let somebody speak, and return when it began."""
        began = time.monotonic()
        size = int(BLOCK_SECONDS * BYTES_PER_SECOND)
        for place, start in enumerate(range(0, len(pcm), size)):
            await asyncio.sleep(max(0.0, began + place * BLOCK_SECONDS - time.monotonic()))
            frame = AudioFrame(
                pcm=pcm[start : start + size],
                rate=SAMPLE_RATE,
                channels=1,
                started_at=time.monotonic(),
            )
            self._frames.put_nowait(SpeakerFrame(speaker=by, frame=frame))
        return began


class Loudspeaker:
    """Plays blocks on a clock and remembers how loud each was, and when."""

    def __init__(self) -> None:
        self.levels: list[tuple[float, float]] = []

    @asynccontextmanager
    async def playing(self, source: BlockSource, /) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(self._play(source))
        try:
            yield
        finally:
            task.cancel()

    async def _play(self, source: BlockSource) -> None:
        due = time.monotonic()
        while True:
            due += BLOCK_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            block = source()
            samples = np.frombuffer(block or b"\0\0", "<i2").astype(np.float64)
            self.levels.append((time.monotonic(), float(np.sqrt(np.mean(samples**2)))))

    def sounding(self, *, since: float = 0.0) -> list[float]:
        """Return when something was to be heard."""
        return [at for at, level in self.levels if level > 50 and at >= since]


class Events(list[CallEvent]):
    """What happened in a call; whoever takes it may be ``failing``."""

    failing: Exception | None = None

    def take(self, event: CallEvent) -> None:
        self.append(event)
        if self.failing is not None:
            raise self.failing


@dataclass
class LiveCall:
    """A call, and everything around it."""

    app: App
    service: VoiceService
    call: VoiceCall
    people: People
    loudspeaker: Loudspeaker
    ears: ToneEars
    speech: Any
    leave: Callable[[], Awaitable[None]]
    events: Events

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, holds: Callable[[], object], *, what: str = "it") -> None:
        due = time.monotonic() + PATIENCE
        while not holds():
            kinds = [type(event).__name__ for event in self.events]
            assert time.monotonic() < due, f"{what} never happened; there was {kinds}"
            await asyncio.sleep(0.01)

    async def comes(self, kind: type[E], *, count: int = 1) -> E:
        await self.until(lambda: len(self.of(kind)) >= count, what=kind.__name__)
        return self.of(kind)[count - 1]

    async def history(self) -> list[tuple[str, str]]:
        return await self.app.history(HERE)


@asynccontextmanager
async def live_call(
    data: Path,
    model: ChatModel,
    *,
    speech: TextToSpeech | None = None,
    ears: SpeechToText | None = None,
    texts: dict[str, str] | None = None,
    complete: float = 0.97,
    probability: Detector | None = None,
    wake: WakeRule = WakeRule.ALWAYS,
    listening: bool = True,
    text: Delivery | None = None,
    settings: VoiceSettings | None = None,
    **sections: Any,
) -> AsyncIterator[LiveCall]:
    """Open an application with ``model`` and hold a call in it."""
    people, loudspeaker = People(), Loudspeaker()
    hearing = ToneEars(texts)
    speaking = speech or FakeSpeech(seconds_per_character=0.04)
    events = Events()
    async with opened_app(data, model, **sections) as app:
        service = VoiceService(
            Engines(
                speech=speaking,
                ears=ears or hearing,
                completion=ScriptedCompletion(complete),
                probability=probability or LoudnessDetection(),
            ),
            conversations=app.conversations,
            library=app.factory.library(),
            voices=Voices(app.factory.scopes()),
            settings=settings or VoiceSettings(),
            clock=app.factory.clock(),
            ids=app.factory.ids(),
        )
        opening = CallOpening(
            conversation=HERE,
            present=frozenset,
            role=lambda _: Role.MEMBER,
            text=text,
            wake=wake,
            listening=listening,
        )
        async with AsyncExitStack() as held:
            held.push_async_callback(service.close)
            call = await held.enter_async_context(
                service.call(opening, ears=people, mouth=loudspeaker, on_event=events.take)
            )
            yield LiveCall(
                app, service, call, people, loudspeaker, hearing, speaking, held.aclose, events
            )
