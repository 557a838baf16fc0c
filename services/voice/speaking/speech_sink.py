"""Where an answer goes to be heard: cut into clauses, synthesised ahead, played by the mixer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.domain.replies import (
    Delivered,
    InterruptReason,
    ReplyEvent,
    SentenceReady,
    TextDelta,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)
from services.voice.mixing.mixer_events import ClauseStarted, MixerEvent
from services.voice.mixing.speech_track import SpeechTrack
from services.voice.speaking.moods import mood_of
from services.voice.speaking.narration import Narration, NarrationLimits
from services.voice.speaking.script import Clause, Script
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.speaking.wording import Wording
from services.voice.spoken_text import Lexicon
from services.voice.synthesis import TextToSpeech, Voice

_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingSettings:
    """When a voice begins; lengths in Latin letters, times in seconds.

    The first clause has ``first_letters`` at least, or ``first_words`` once ``first_patience`` has
    passed since the first text. What follows are sentences; they are cut at clauses when they are
    longer than ``longest_clause``, and when less than ``reserve`` is left to play. With ``moods``
    each is spoken in the mood that shows in the answer up to its end, else in the voice's own.
    """

    first_letters: int = 4
    first_words: int = 4
    first_patience: float = 0.25
    longest_clause: int = 200
    reserve: float = 0.5
    moods: bool = True
    limits: NarrationLimits = field(default_factory=NarrationLimits)


class SpeechSink:
    """Speaks one answer on a track that was reset for it and whose events come in by ``told``.

    ``on_clause`` is called when a clause begins to sound, ``on_failure`` when one is not spoken or
    not to its end. Text without sound, be it an action, code or what the engine failed at, counts
    as heard once something after it is, whether or not it is shown elsewhere: nobody could have
    heard it, and an interruption must not make the persona forget the rest.

    ``emit`` never waits: it keeps the answer's text, and only sound is bounded.
    """

    def __init__(
        self,
        *,
        track: SpeechTrack,
        speech: TextToSpeech,
        voice: Voice,
        lexicon: Lexicon | None,
        clock: Clock,
        settings: SpeakingSettings,
        on_clause: Callable[[SpokenClause], None],
        on_failure: Callable[[ProviderError], None],
    ) -> None:
        self._track = track
        self._voice = voice
        self._settings = settings
        self._on_clause = on_clause
        self._script = Script(
            Wording(lexicon=lexicon, language=voice.language),
            first_weight=settings.first_letters,
            first_words=settings.first_words,
            longest=settings.longest_clause,
        )
        self._narration = Narration(
            self._next_clause,
            track=track,
            speech=speech,
            voice_of=self._voice_of,
            clock=clock,
            limits=settings.limits,
            on_failure=on_failure,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._hurried = False
        self._complete = False  # no more text will come
        self._silent = False  # no more sound will come
        self._over = False
        self._delivered: Delivered | None = None
        self._more = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def whole(self) -> bool:
        """Whether all of the answer was said, by an engine that never failed, and heard."""
        return self._delivered is None and self._narration.whole and self._heard_out

    async def run(self) -> None:
        """Synthesise until the answer is over or this is cancelled.

        From then on nothing is written to the track, and the engine's work is stopped; what is
        still to be heard is left to the owner.
        """
        try:
            await self._narration.run()
        finally:
            self._silent = True
            self._moved.set()
            self._forget_timer()

    def told(self, event: MixerEvent, /) -> None:
        """Take what the mixer tells of the track; called on the loop."""
        if self._over:
            return
        if isinstance(event, ClauseStarted):
            self._caption(event)
        self._moved.set()
        self._cut_early()

    async def emit(self, event: ReplyEvent, /) -> None:
        """Take the next event; text is spoken once there is enough of it.

        The terminal one ends the work; what was not drained by then is not spoken.
        """
        if self._over:
            return
        match event:
            case TextDelta():
                self._write(event.text)
            case SentenceReady():
                self._script.end_sentence(event.text)
                self._more.set()
            case TurnFinished() | TurnInterrupted() | TurnFailed():
                self._stop()
            case _:
                pass

    async def drain(self) -> None:
        """Return when the mixer has read the last sound, or when none will come.

        Text that belongs to no sentence, because the answer broke off, is spoken as well.
        """
        if not self._over:
            self._script.finish()
            self._complete = True
            self._more.set()
        while not (self._over or (self._silent and self._heard_out)):
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                    await self._moved.wait()

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Fall silent with the next block and say what was heard; the engine's work is stopped.

        Of a clause that was cut as much counts as its share of the sound, back to a whole word.
        """
        if self._delivered is None:
            everything, playback = self.whole, self._narration.playback
            heard = self._track.heard if self._over or not len(playback) else self._track.clear()
            self._stop()
            if everything:
                self._delivered = self._script.delivered(len(self._script.text))
            else:
                self._delivered = playback.delivered(self._script, heard)
        return self._delivered

    @property
    def _heard_out(self) -> bool:
        """Whether all sound there is was read."""
        heard = self._track.heard.clauses >= len(self._narration.playback)
        return heard or self._track.pending <= 0

    def _write(self, text: str) -> None:
        self._script.write(text)
        if self._timer is None and text.strip():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._settings.first_patience, self._hurry)
        self._cut_early()

    def _hurry(self) -> None:
        self._hurried = True
        self._cut_early()

    def _cut_early(self) -> None:
        """Let a clause go ahead of its sentence when nothing was said yet or little is left."""
        if self._over or self._complete or self._script.waiting or self._narration.busy:
            return
        first = not self._script.begun
        early = first or self._track.pending < self._settings.reserve
        if early and self._script.cut_early(hurried=first and self._hurried):
            self._more.set()

    async def _next_clause(self) -> Clause | None:
        """Return the next clause there is something to say for; ``None`` after the last."""
        while True:
            clause = self._script.take()
            if clause is None:
                if self._complete:
                    return None
                self._more.clear()
                await self._more.wait()
            elif clause.speech:
                return clause

    def _voice_of(self, clause: Clause) -> Voice:
        mood = mood_of(self._script.text[: clause.end]) if self._settings.moods else None
        return self._voice if mood is None else replace(self._voice, mood=mood)

    def _caption(self, event: ClauseStarted) -> None:
        sounding = self._narration.playback.sounding(event.clause)
        if sounding is None or event.at < sounding.begun_at:
            return  # of the answer before
        clause = sounding.clause
        self._on_clause(
            SpokenClause(
                index=event.clause, text=clause.text, speech_text=clause.speech, end=clause.end
            )
        )

    def _stop(self) -> None:
        self._over = True
        self._narration.stop()
        self._moved.set()
        self._forget_timer()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
