"""A voice that speaks an answer into a mixer, block by block of virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from services.conversation.sentences import SentenceSplitter
from services.conversation.speech_text import to_speech
from services.domain.errors import ProviderError
from services.domain.replies import Delivered, InterruptReason, SentenceReady, TextDelta
from services.voice.audio_io import BLOCK_SECONDS
from services.voice.mixing.mixer import Mixer
from services.voice.mixing.mixer_events import MixerEvent, SpeechDried
from services.voice.speaking.speech_sink import SpeakingSettings, SpeechSink
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.spoken_text import Lexicon
from services.voice.synthesis import TextToSpeech, Voice
from tests.fakes.clock import ManualClock


class SpeakingStage:
    """Writes as the conversation does, and reads the mixer's blocks as a call does.

    For loops of virtual time; nothing sounds but in ``play`` and ``while_playing``.
    """

    def __init__(
        self, speech: TextToSpeech, *, lexicon: Lexicon | None, settings: SpeakingSettings
    ) -> None:
        self.clock = ManualClock()
        self.events: list[MixerEvent] = []
        self.clauses: list[SpokenClause] = []
        self.failures: list[ProviderError] = []
        self.most_pending = 0.0
        self.text = ""
        self.mixer = Mixer(clock=self.clock, tell=self._told)
        self.track = self.mixer.speech
        self.track.reset()
        self.sink = SpeechSink(
            track=self.track,
            speech=speech,
            voice=Voice(language="en"),
            lexicon=lexicon,
            clock=self.clock,
            settings=settings,
            on_clause=self.clauses.append,
            on_failure=self.failures.append,
        )
        self.group = asyncio.TaskGroup()
        self.running: asyncio.Task[None] | None = None
        self._splitter = SentenceSplitter()
        self._sentences = 0

    @property
    def dried(self) -> int:
        """How often speech ran out."""
        return sum(isinstance(event, SpeechDried) for event in self.events)

    async def write(self, text: str) -> None:
        """Let the model write more."""
        self.text += text
        sentences = self._splitter.feed(text)
        await self.sink.emit(TextDelta(text=text))
        await self._ready(sentences)

    async def finish(self) -> None:
        """Let the answer end."""
        await self._ready(self._splitter.flush())

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin something that may take as long as the stage is open."""
        return self.group.create_task(work)

    async def play(self, seconds: float) -> None:
        """Let time pass and sound be heard."""
        for _ in range(round(seconds / BLOCK_SECONDS)):
            await asyncio.sleep(BLOCK_SECONDS)
            self.clock.advance(BLOCK_SECONDS)
            self.mixer.read()
            self.most_pending = max(self.most_pending, self.track.pending)

    async def while_playing(self, work: Coroutine[Any, Any, None], *, most: float = 600.0) -> None:
        """Let time pass until ``work`` is done."""
        task = self.start(work)
        async with asyncio.timeout(most):
            while not task.done():
                await self.play(BLOCK_SECONDS)

    async def drain(self) -> None:
        """Let the answer end and be heard to its end."""
        await self.finish()
        await self.while_playing(self.sink.drain())

    async def abort(self) -> Delivered:
        return await self.sink.abort(InterruptReason.BARGE_IN)

    async def heard(self) -> str:
        """Interrupt the answer and return what was heard of it."""
        return self.text[: (await self.abort()).characters]

    async def _ready(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if text := sentence.strip():
                self._sentences += 1
                await self.sink.emit(
                    SentenceReady(index=self._sentences, text=text, speech_text=to_speech(text))
                )

    def _told(self, event: MixerEvent) -> None:
        self.events.append(event)
        asyncio.get_running_loop().call_soon(self.sink.told, event)


@asynccontextmanager
async def speaking_stage(
    speech: TextToSpeech,
    *,
    lexicon: Lexicon | None = None,
    settings: SpeakingSettings | None = None,
) -> AsyncIterator[SpeakingStage]:
    """Open a stage whose sink runs until the block ends."""
    stage = SpeakingStage(speech, lexicon=lexicon, settings=settings or SpeakingSettings())
    async with stage.group:
        stage.running = stage.start(stage.sink.run())
        await asyncio.sleep(0)
        yield stage
        stage.running.cancel()
