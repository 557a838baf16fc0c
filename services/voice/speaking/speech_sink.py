"""Where an answer goes to be heard: cut into clauses, synthesised ahead, played by the mixer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from services.domain.audio import AudioFrame
from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
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
from services.voice.mixing.mixer import SpeechTrack
from services.voice.mixing.mixer_events import ClauseStarted, MixerEvent
from services.voice.speaking.playback import Playback, Sounding
from services.voice.speaking.script import Clause, Script
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.speaking.wording import Wording
from services.voice.spoken_text import Lexicon
from services.voice.synthesis import TextToSpeech, Voice

logger = logging.getLogger(__name__)

_LOOK_AGAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingSettings:
    """When a voice begins and how far it works ahead; lengths in Latin letters, times in seconds.

    The first clause has ``first_letters`` at least, or ``first_words`` once ``first_patience`` has
    passed since the first text. Later ones are sentences, cut at clauses where they are longer
    than ``longest_clause``, or where less than ``reserve`` is left to play. The next one is begun
    when ``begin_below`` is left, and never more than ``most_ahead`` is kept. An engine has
    ``patience`` for each frame; after ``most_failures`` in a row the answer stays silent.
    """

    first_letters: int = 12
    first_words: int = 4
    first_patience: float = 0.25
    longest_clause: int = 200
    reserve: float = 0.5
    begin_below: float = 10.0
    most_ahead: float = 20.0
    patience: float = 15.0
    most_failures: int = 3


class SpeechSink:
    """Speaks one answer on a track that its owner has reset and whose events it passes to ``told``.

    ``on_clause`` is called when a clause begins to sound. ``on_failure`` hears of every clause the
    engine fails at; what it had said of it is played, and the next clause is tried. Text that has
    no sound, be it an action or a clause that failed, counts as heard once something after it is.

    ``emit`` never waits: what is kept of text is the answer itself, and sound is bounded.
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
        self._speech = speech
        self._voice = voice
        self._clock = clock
        self._settings = settings
        self._on_clause = on_clause
        self._on_failure = on_failure
        self._script = Script(
            Wording(lexicon=lexicon, language=voice.language),
            first_weight=settings.first_letters,
            first_words=settings.first_words,
            longest=settings.longest_clause,
        )
        self._playback = Playback()
        self._work = asyncio.timeout(None)
        self._hurry: asyncio.TimerHandle | None = None
        self._hurried = False
        self._captioned = 0
        self._saying = False
        self._complete = False  # no more text will come
        self._silent = False  # no more sound will come
        self._failures = 0
        self._end: Delivered | None = None
        self._whole = False
        self._more = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def whole(self) -> bool:
        """Whether all of the answer was said and heard; known once ``drain`` has returned."""
        return self._whole

    async def run(self) -> None:
        """Synthesise until the answer is over or this is cancelled; for its owner to await.

        Nothing is written to the track after either, and the engine's work is stopped.
        """
        try:
            with suppress(TimeoutError):
                async with self._work:
                    await self._say_all()
        finally:
            self._silent = True
            self._moved.set()
            if self._hurry is not None:
                self._hurry.cancel()

    def told(self, event: MixerEvent, /) -> None:
        """Take what the mixer tells of the track, on the loop."""
        if isinstance(event, ClauseStarted):
            self._caption(event)
        self._moved.set()
        self._cut_early()

    async def emit(self, event: ReplyEvent, /) -> None:
        """Take the next event; text is spoken once there is enough of it."""
        if self._over:
            return
        match event:
            case TextDelta():
                self._script.write(event.text)
                self._begin_hurry()
                self._cut_early()
            case SentenceReady():
                self._script.end_sentence(event.text)
                self._more.set()
            case TurnFinished() | TurnInterrupted() | TurnFailed():
                self._stop()
            case _:
                pass

    async def drain(self) -> None:
        """Return when the mixer has read the last sound, or none will come.

        Text that no sentence was made of, because the answer broke off, is spoken as well.
        """
        if not self._over:
            self._script.finish()
            self._complete = True
            self._more.set()
        while not self._out:
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN):
                    await self._moved.wait()
        self._whole = self._end is None and not self._failures and self._said_all
        
    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Fall silent with the next block and say what was heard; the engine's work is stopped."""
        if self._end is None:
            self._end = self._fall_silent()
        return self._end
