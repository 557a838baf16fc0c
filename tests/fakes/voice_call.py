"""A call in which time passes in steps of 20 ms, as fast as the machine allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from services.domain.audio import AudioFrame, SpeakerFrame
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.voice.listening.endpointing import TurnCompletion
from services.voice.listening.events import ListeningEvent, Stage, TranscriptReady, TurnDecided
from services.voice.listening.listener import Listener
from services.voice.listening.room import ListeningSettings
from services.voice.listening.samples import BYTES_PER_SECOND, SAMPLE_RATE
from services.voice.listening.transcribing import Transcriber
from services.voice.listening.wake import Wake, WakeRule
from tests.fakes.clock import ManualClock
from tests.fakes.speech import LoudnessProbability, ToneRecogniser

E = TypeVar("E")

STEP = 0.02
_FRAME = int(STEP * BYTES_PER_SECOND)
_ROUNDS = 12


def person(name: str) -> Author:
    return Author(id=AuthorId("discord", name.lower()), display_name=name)


ANN, BOB = person("Ann"), person("Bob")


class VoiceCall:
    """Feeds a listener and keeps what it tells."""

    def __init__(self, listener: Listener, clock: ManualClock, recogniser: ToneRecogniser) -> None:
        self.listener = listener
        self.clock = clock
        self.recogniser = recogniser
        self.events: list[ListeningEvent] = []
        self.on_step: Callable[[float], None] = lambda _: None

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def decided(self) -> list[str]:
        return [event.text for event in self.of(TurnDecided)]

    def texts(self, stage: Stage) -> list[str]:
        return [event.text for event in self.of(TranscriptReady) if event.stage is stage]

    async def talk(self, **tracks: bytes) -> None:
        """Let people's sound arrive side by side until the longest is over."""
        for start in range(0, max(map(len, tracks.values())), _FRAME):
            self.clock.advance(STEP)
            for name, pcm in tracks.items():
                if pcm[start : start + _FRAME]:
                    self._send(person(name.capitalize()), pcm[start : start + _FRAME])
            await self._settle()

    async def wait(self, seconds: float) -> None:
        """Let time pass while no packets come."""
        for _ in range(round(seconds / STEP)):
            self.clock.advance(STEP)
            await self._settle()

    def _send(self, speaker: Author, pcm: bytes) -> None:
        frame = AudioFrame(pcm=pcm, rate=SAMPLE_RATE, channels=1, started_at=0.0)
        self.listener.hear(SpeakerFrame(speaker=speaker, frame=frame))

    async def _settle(self) -> None:
        self.listener.tick()
        self.recogniser.deliver()
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        self.on_step(self.clock.monotonic())


@asynccontextmanager
async def voice_call(
    *,
    recogniser: Callable[[ManualClock], ToneRecogniser] = ToneRecogniser,
    completion: TurnCompletion | None = None,
    wake: Wake | None = None,
    settings: ListeningSettings | None = None,
) -> AsyncIterator[VoiceCall]:
    """Open a call of people who speak in tones."""
    clock = ManualClock()
    engine = recogniser(clock)
    events: list[ListeningEvent] = []
    listener = Listener(
        transcriber=Transcriber(engine),
        probability=LoudnessProbability,
        clock=clock,
        on_event=events.append,
        wake=wake or Wake(WakeRule.ALWAYS, names=["Neuro"]),
        completion=completion,
        settings=settings,
    )
    async with listener:
        call = VoiceCall(listener, clock, engine)
        call.events = events
        yield call
