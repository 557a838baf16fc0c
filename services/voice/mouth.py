"""The bot's mouth in one call: one answer sounds at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from services.domain.clock import Clock
from services.domain.errors import AcoreError, ProviderError
from services.domain.ids import PersonaId, TurnId
from services.domain.replies import InterruptReason
from services.lifecycle import Supervisor
from services.voice.call_events import AnswerBegun, AnswerEnded, CallEvent, ClauseSpoken
from services.voice.mixing.mixer import Mixer
from services.voice.mixing.mixer_events import MixerEvent, SpeechBegan, SpeechDried
from services.voice.speaking.speech_sink import SpeakingSettings, SpeechSink
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.spoken_text import Lexicon
from services.voice.synthesis import TextToSpeech, Voice

logger = logging.getLogger(__name__)

END_SECONDS = 2.0
"""How long leaving waits for the end of what is being said."""

GAP_SECONDS = 0.6
"""How long nothing may sound in the middle of an answer before the bot counts as silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who speaks with the bot's mouth, and how; ``uninterruptible`` speech is only ducked.

    ``turn`` is the one of the conversation that is spoken, if it is one.
    """

    name: str
    voice: Voice
    persona: PersonaId | None = None
    turn: TurnId | None = None
    uninterruptible: bool = False


class MouthWatcher(Protocol):
    """Whoever has to know when the bot can be heard; called on the loop, must be quick."""

    def sound_began(self, at: float, speaker: Speaker, /, *, first: bool) -> None:
        """Sound goes out; ``first`` of this answer."""
        ...

    def sound_ceased(self, at: float, /) -> None:
        """Nothing goes out any more, at least for now."""
        ...

    def answer_ended(self, at: float, /) -> None:
        """The answer is over, spoken or given up."""
        ...

    def clause_began(self, clause: SpokenClause, /, *, at: float) -> None:
        """A clause begins to sound."""
        ...

    def speech_failed(self, error: ProviderError, /) -> None:
        """A clause could not be spoken."""
        ...


async def _abort(sink: SpeechSink) -> None:
    await sink.abort(InterruptReason.USER_STOP)


class CallOver(AcoreError):  # noqa: N818
    """Nothing is spoken any more, because the call was left."""

    def __init__(self) -> None:
        super().__init__("call_over", "The call is over; let me join again.")


@dataclass(slots=True)
class _Answer:
    """Something that is said; ``to`` is what somebody said, as whoever opened it knows that.

    ``void`` never sounds any more; ``reading`` is no answer of the conversation.
    """

    sink: SpeechSink
    speaker: Speaker
    to: object | None
    reading: bool
    void: bool = False
    begun: bool = False
    ceased_at: float | None = None


class Mouth:
    """Speaks answers through one ``Mixer``, and tells a watcher and the call's events of it."""

    def __init__(
        self,
        speech: TextToSpeech,
        *,
        clock: Clock,
        supervisor: Supervisor,
        watcher: MouthWatcher,
        on_event: Callable[[CallEvent], None],
        settings: SpeakingSettings,
        lexicon: Lexicon | None = None,
    ) -> None:
        self._speech = speech
        self._clock = clock
        self._supervisor = supervisor
        self._watcher = watcher
        self._on_event = on_event
        self._settings = settings
        self._lexicon = lexicon
        self._loop = asyncio.get_running_loop()
        self._taken = asyncio.Lock()
        self._free = asyncio.Event()
        self._free.set()
        self._answer: _Answer | None = None
        self._audible = False
        self._held = False
        self._suspended = False
        self._closed = False
        self.mixer = Mixer(clock=clock, tell=self._tell)

    @property
    def audible(self) -> bool:
        """Whether the bot is heard, short gaps included."""
        return self._audible

    @property
    def busy(self) -> bool:
        """Whether an answer is being spoken or made ready."""
        return self._answer is not None

    @property
    def begun(self) -> bool:
        """Whether anything of the present answer was heard."""
        return self._answer is not None and self._answer.begun

    @property
    def held(self) -> bool:
        """Whether the present answer is kept silent."""
        return self._held

    @property
    def reading(self) -> bool:
        """Whether what is said is no answer of the conversation."""
        return self._answer is not None and self._answer.reading

    def answers(self, to: object, /) -> bool:
        """Whether the present answer is to that."""
        return self._answer is not None and self._answer.to is to

    async def close(self) -> None:
        """Let nobody speak any more, and end a reading; an answer ends with its turn.

        Returns when that has been told, after ``END_SECONDS`` at the latest.
        """
        self._closed = True
        if self._answer is not None and self._answer.reading:
            await self._answer.sink.abort(InterruptReason.USER_STOP)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._free.wait()

    @asynccontextmanager
    async def speaking(
        self, speaker: Speaker, /, *, to: object | None = None, reading: bool = False
    ) -> AsyncIterator[SpeechSink]:
        """Give the mouth to ``speaker`` for one answer, after the one before has ended.

        ``to`` is what somebody said, while which is unsure the answer is ``suspended``; a
        ``reading`` is no answer at all. Raises ``CallOver``.
        """
        async with self._taken:
            if self._closed:
                raise CallOver
            self.mixer.speech.reset()
            self._held = False
            if self._suspended and to is not None:
                self.mixer.speech.hold()
            sink = SpeechSink(
                track=self.mixer.speech,
                speech=self._speech,
                voice=speaker.voice,
                lexicon=self._lexicon,
                clock=self._clock,
                settings=self._settings,
                on_clause=self._clause,
                on_failure=self._watcher.speech_failed,
            )
            answer = self._answer = _Answer(sink, speaker, to, reading)
            self._free.clear()
            task = self._supervisor.start("speech", sink.run)
            try:
                yield sink
            finally:
                task.cancel()
                self._end(answer)

    def duck(self) -> None:
        """Speak softly."""
        self.mixer.speech.duck()

    def restore(self) -> None:
        """Speak as loud as before."""
        self.mixer.speech.restore()

    def hold(self) -> None:
        """Fall silent within a block, keeping what was not heard."""
        self._held = True
        self.mixer.speech.hold()
        if self._audible:
            self._cease(self._clock.monotonic())

    def resume(self) -> None:
        """Go on from the beginning of the clause that was cut."""
        if self._held:
            self._held = False
            self.mixer.speech.restore()
            self._sound()

    def suspend(self) -> None:
        """Let no answer to what somebody said sound until ``release``; they are made ready."""
        self._suspended = True
        if self._answer is not None and self._answer.to is not None:
            self.mixer.speech.hold()

    def release(self) -> None:
        """Let answers to what somebody said sound again."""
        self._suspended = False
        if self._answer is not None and self._answer.to is not None:
            self._sound()

    def void(self, to: object, /) -> None:
        """Let the present answer never sound any more, if it is to that."""
        if self._answer is not None and self._answer.to is to:
            self._answer.void = True
            self.mixer.speech.hold()

    def _sound(self) -> None:
        """Go on, unless something keeps the present answer silent."""
        answer = self._answer
        if answer is None or answer.void or self._held:
            return
        if not (self._suspended and answer.to is not None):
            self.mixer.speech.resume()

    def give_up(self) -> None:
        """Drop the rest of the present answer; whoever waits for its end goes on."""
        answer = self._answer
        if answer is not None:
            self._supervisor.start("giving up speech", partial(_abort, answer.sink))

    def tick(self, now: float, /) -> None:
        """Let time pass; every 20 ms or so."""
        answer = self._answer
        if not self._audible or answer is None or answer.ceased_at is None:
            return
        if now - answer.ceased_at >= GAP_SECONDS:
            self._cease(answer.ceased_at)

    def _tell(self, event: MixerEvent) -> None:
        """Take what happened in the thread that keeps the clock over to the loop."""
        try:
            self._loop.call_soon_threadsafe(self._mixed, event)
        except RuntimeError:
            logger.debug("a block sounded after the loop had ended")

    def _mixed(self, event: MixerEvent) -> None:
        answer = self._answer
        if answer is None:
            return
        match event:
            case SpeechBegan():
                answer.ceased_at = None
                self._began(answer, event.at)
            case SpeechDried():
                answer.ceased_at = event.at
            case _:
                pass
        answer.sink.told(event)

    def _began(self, answer: _Answer, at: float) -> None:
        first, answer.begun = not answer.begun, True
        if first:
            self._on_event(
                AnswerBegun(persona=answer.speaker.persona, persona_name=answer.speaker.name, at=at)
            )
        if not self._audible and not self._held:
            self._audible = True
            self._watcher.sound_began(at, answer.speaker, first=first)

    def _cease(self, at: float) -> None:
        self._audible = False
        self._watcher.sound_ceased(at)

    def _clause(self, clause: SpokenClause) -> None:
        answer = self._answer
        if answer is None:
            return
        at = self._clock.monotonic()
        self._watcher.clause_began(clause, at=at)
        self._on_event(
            ClauseSpoken(
                persona=answer.speaker.persona,
                persona_name=answer.speaker.name,
                at=at,
                text=clause.text,
                turn=answer.speaker.turn,
                end=clause.end,
            )
        )

    def _end(self, answer: _Answer) -> None:
        now = self._clock.monotonic()
        whole = answer.sink.whole
        if not whole:
            self.mixer.speech.clear()
        self._answer, self._held = None, False
        self.mixer.speech.restore()
        at = now if answer.ceased_at is None else answer.ceased_at
        if self._audible:
            self._cease(at)
        if answer.begun:
            self._on_event(AnswerEnded(at=at, whole=whole))
        self._watcher.answer_ended(at)
        self._free.set()
