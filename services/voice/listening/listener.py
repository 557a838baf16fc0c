"""Frames of many speakers in, their turns out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from services.domain.audio import SpeakerFrame
from services.domain.clock import Clock
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.lifecycle import Supervisor
from services.voice.listening.endpointing import TurnCompletion
from services.voice.listening.events import ListeningEvent
from services.voice.listening.hearing import Hearing
from services.voice.listening.languages import Languages
from services.voice.listening.room import ListeningSettings, Room
from services.voice.listening.samples import SAMPLE_RATE
from services.voice.listening.segmenter import Segmenter, SegmenterLimits
from services.voice.listening.transcribing import Transcriber
from services.voice.listening.vad import SpeechProbability
from services.voice.listening.wake import Wake
from services.voice.listening.wording import CLOSING


class Listener:
    """Listens to one call: at most 25 speakers side by side, each with turns of their own.

    Enter it, give it frames with ``hear`` and time with ``run`` or ``tick``; leaving cancels what
    is under way. ``on_event`` is called on the event loop, in order, and must be quick and raise
    nothing. For each turn come ``SpeechStarted`` and ``SpeechEnded`` in turns with transcripts
    between, then one ``TurnDecided`` or ``TurnDropped``. All times are those of ``clock``.
    """

    def __init__(
        self,
        *,
        transcriber: Transcriber,
        probability: Callable[[], SpeechProbability],
        clock: Clock,
        on_event: Callable[[ListeningEvent], None],
        wake: Wake,
        completion: TurnCompletion | None = None,
        languages: Languages | None = None,
        settings: ListeningSettings | None = None,
        limits: SegmenterLimits | None = None,
    ) -> None:
        self._supervisor = Supervisor()
        self._clock = clock
        self._probability = probability
        self._limits = limits
        self._settings = settings or ListeningSettings()
        self._hearings: OrderedDict[AuthorId, Hearing] = OrderedDict()
        self._dropped = 0
        self._room = Room(
            settings=self._settings,
            clock=clock,
            supervisor=self._supervisor,
            transcriber=transcriber,
            completion=completion,
            wake=wake,
            languages=languages or Languages(),
            emit=on_event,
        )

    async def __aenter__(self) -> Self:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hearings.clear()
        await self._supervisor.__aexit__(kind, error, trace)

    @property
    def dropped(self) -> int:
        """Frames thrown away: of a wrong form, out of order, or of one speaker too many."""
        return self._dropped + sum(hearing.dropped for hearing in self._hearings.values())

    @property
    def speaking(self) -> tuple[Author, ...]:
        """Who speaks just now."""
        return tuple(each.speaker for each in self._hearings.values() if each.speaking)

    @property
    def languages(self) -> Languages:
        """Who speaks which language."""
        return self._room.languages

    @property
    def wake(self) -> Wake:
        """Who is heard and whose turns are for the bot."""
        return self._room.wake

    def hear(self, heard: SpeakerFrame, /, *, at: float | None = None) -> None:
        """Take a mono frame at 16 kHz that arrived ``at`` the clock's time, by default now."""
        frame, speaker = heard.frame, heard.speaker
        if frame.rate != SAMPLE_RATE or frame.channels != 1:
            self._dropped += 1
            return
        if not self._room.wake.hears(speaker.id):
            return
        moment = self._clock.monotonic() if at is None else at
        hearing = self._hearing_of(speaker, moment)
        if hearing is None:
            self._dropped += 1
            return
        hearing.push(frame.pcm, at=moment)

    def tick(self, now: float | None = None) -> None:
        """Let time pass for everybody; every 20 ms or so."""
        moment = self._clock.monotonic() if now is None else now
        for hearing in tuple(self._hearings.values()):
            hearing.tick(moment)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(self._settings.tick)
            self.tick()

    def bot_started(self) -> None:
        """The bot is heard from now on: speech must be clearer, and is transcribed as it goes."""
        self._room.bot_heard = True
        for hearing in self._hearings.values():
            hearing.answered()

    def bot_stopped(self) -> None:
        """The bot is silent from now on."""
        self._room.bot_heard = False

    def bot_said(self, text: str, /, *, at: float | None = None) -> None:
        """Note a clause whose sound ends ``at`` the clock's time; echoes of it are dropped.

        After a question, the next turn may begin with a long thought.
        """
        moment = self._clock.monotonic() if at is None else at
        self._room.echo.said(text, at=moment)
        question = text.rstrip(CLOSING).endswith(("?", "\N{FULLWIDTH QUESTION MARK}"))
        self._room.asked_at = moment if question else None

    def release(self, speaker: AuthorId, /) -> None:
        """A speaker let go of the key: their turn ends as soon as its text is there."""
        self._room.wake.release(speaker)
        hearing = self._hearings.get(speaker)
        if hearing is not None:
            hearing.release()

    def left(self, speaker: AuthorId, /) -> None:
        """A speaker left the call; an unfinished turn is dropped."""
        hearing = self._hearings.pop(speaker, None)
        if hearing is not None:
            hearing.leave(at=self._clock.monotonic())
            self._dropped += hearing.dropped

    def _hearing_of(self, speaker: Author, now: float) -> Hearing | None:
        hearing = self._hearings.get(speaker.id)
        if hearing is None:
            if len(self._hearings) >= self._settings.most_speakers and not self._make_room(now):
                return None
            segmenter = Segmenter(self._probability(), limits=self._limits)
            hearing = Hearing(speaker, segmenter, self._room)
            self._hearings[speaker.id] = hearing
        self._hearings.move_to_end(speaker.id)
        hearing.speaker = speaker
        return hearing

    def _make_room(self, now: float) -> bool:
        for speaker, hearing in self._hearings.items():
            if not hearing.busy(now):
                self.left(speaker)
                return True
        return False
