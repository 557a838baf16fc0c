"""One speaker's turns: transcribed in their pauses, decided when text and silence agree."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from services.domain.people import Author
from services.voice.listening.completeness import Completeness, completeness
from services.voice.listening.endpointing import (
    COMPLETION_SECONDS,
    Ending,
    Evidence,
    Wait,
    wait_for,
)
from services.voice.listening.events import ListeningEvent, Stage, TurnDecided
from services.voice.listening.patience import PauseStatistics
from services.voice.listening.room import Room
from services.voice.listening.samples import WINDOW_SECONDS, Samples
from services.voice.listening.segment_events import (
    Capped,
    EndCandidate,
    Onset,
    Pause,
    Resume,
    SegmentEvent,
)
from services.voice.listening.segmenter import Segmenter
from services.voice.listening.spoken_turn import SpokenTurn, cancel
from services.voice.listening.telling import Telling
from services.voice.listening.turn_text import Request, TurnText
from services.voice.listening.understanding import judged, understood
from services.voice.listening.verdict import verdict
from services.voice.listening.wording import wording

_PROGRESS = 3 * WINDOW_SECONDS
_RECENT = 1.0
_LONGEST_CONTINUED = 600
_ROUNDING = 1e-6


class Hearing:
    """Listens to one speaker; everything happens in ``push``, ``tick`` and answers that come in."""

    def __init__(self, speaker: Author, segmenter: Segmenter, room: Room) -> None:
        self._telling = Telling(speaker, room)
        self._segmenter = segmenter
        self._room = room
        self._pauses = PauseStatistics()
        self._turn: SpokenTurn | None = None
        self._finishing: list[SpokenTurn] = []
        self._pushed_at = -math.inf
        self._decided: TurnDecided | None = None

    @property
    def speaker(self) -> Author:
        """Whose turns these are."""
        return self._telling.speaker

    @speaker.setter
    def speaker(self, speaker: Author) -> None:
        self._telling.speaker = speaker

    def busy(self, now: float) -> bool:
        """Say whether sound came within the last second, or a turn is not over."""
        recent = now - self._pushed_at < _RECENT
        return recent or self._turn is not None or bool(self._finishing)

    @property
    def speaking(self) -> bool:
        """Whether speech is heard just now."""
        return self._segmenter.active and not self._segmenter.paused

    @property
    def dropped(self) -> int:
        """Frames that made no sense."""
        return self._segmenter.dropped

    def push(self, pcm: bytes, /, *, at: float) -> None:
        """Take a frame of 16-bit mono PCM at 16 kHz."""
        self._pushed_at = at
        self._segmenter.raised = self._room.bot_heard
        self._take(self._segmenter.push(pcm, at=at))
        if self._room.bot_heard:
            self._watch(at)
        self._consider(at)

    def tick(self, now: float) -> None:
        """Let the clock pass."""
        self._take(self._segmenter.tick(now))
        self._consider(now)

    def release(self) -> None:
        """The speaker let go of the key: the turn is over as soon as its text is there."""
        if self._turn is not None:
            self._turn.released = True

    def answered(self) -> None:
        """The bot is heard: what is said from now on goes on with no turn before."""
        self._decided = None

    def leave(self, *, at: float) -> None:
        """Drop whatever the speaker was saying."""
        for turn in [*self._finishing, *filter(None, [self._turn])]:
            turn.cancel()
            self._telling.left(turn, at=at)
        self._turn = None
        self._finishing.clear()
        self._segmenter.end()

    def _take(self, events: Sequence[SegmentEvent]) -> None:
        for event in events:
            match event:
                case Onset():
                    self._begin(event)
                case Pause():
                    self._pause(event)
                case EndCandidate():
                    self._ask_again()
                case Resume():
                    self._resume(event)
                case Capped():
                    self._cap(event)

    def _begin(self, event: Onset) -> None:
        earlier = self._unanswered(event.since)
        self._turn = SpokenTurn(
            number=next(self._room.turns),
            started=earlier.started_at if earlier else event.since,
            ended=event.at,
            text=TurnText(earlier.text if earlier else ""),
            continues=earlier.turn if earlier else None,
            probe_at=self._room.settings.first_probe,
        )
        self._telling.started(self._turn, event)

    def _unanswered(self, since: float) -> TurnDecided | None:
        """Return the turn just decided, when speech at ``since`` goes on with it."""
        last, self._decided = self._decided, None
        if last is None or len(last.text) > _LONGEST_CONTINUED:
            return None
        soon = since - last.ended_at <= self._room.settings.continuation
        return last if soon else None

    def _pause(self, event: Pause) -> None:
        turn = self._current()
        turn.ended = event.since
        cancel(turn.probing)
        self._telling.ended(turn, event)
        self._transcribe(turn)
        self._judge(turn)

    def _ask_again(self) -> None:
        """Judge once more what the first judgement, made early, did not call certainly over."""
        turn, patience = self._current(), self._room.settings.patience
        if turn.judging is None or not turn.judging.done():
            return
        if turn.text.complete and self._words(turn) is Completeness.UNFINISHED:
            return
        probability = 0.0 if turn.probability is None else turn.probability
        if probability >= (patience.likely if turn.judged_again else patience.certain):
            return
        turn.judged_again = True
        self._judge(turn)

    def _resume(self, event: Resume) -> None:
        turn, settings = self._current(), self._room.settings
        if event.pause >= settings.patience.complete:
            self._pauses.resumed(event.pause)
        cancel(turn.judging)
        turn.probability, turn.judged_again = None, False
        if event.pause >= settings.part_pause or self._segmenter.length >= settings.part_seconds:
            turn.text.close()
            turn.transcription = None
            self._segmenter.split(event.pause)
        else:
            turn.text.withdraw()
            cancel(turn.transcription)
        turn.probe_at = self._segmenter.voiced + settings.resumed_probe
        turn.progress_at = self._segmenter.voiced
        self._telling.started(turn, event)

    def _cap(self, event: Capped) -> None:
        turn = self._current()
        if not self._segmenter.paused:
            turn.ended = event.since
            self._telling.ended(turn, event)
            self._transcribe(turn)
        self._segmenter.end()
        self._turn = None
        self._finishing.append(turn)
        self._finish(turn, at=event.at)

    def _watch(self, at: float) -> None:
        turn, voiced = self._turn, self._segmenter.voiced
        if turn is None or self._segmenter.paused:
            return
        if voiced + _ROUNDING >= turn.progress_at + _PROGRESS:
            turn.progress_at = voiced
            self._telling.progress(turn, voiced=voiced, at=at)
        idle = turn.probing is None or turn.probing.done()
        if voiced >= turn.probe_at and idle:
            turn.probe_at = voiced + self._room.settings.next_probe
            clip = self._segmenter.clip()
            turn.probing = self._start(turn, "probe", partial(self._probe, turn, clip, voiced))

    def _consider(self, at: float) -> None:
        turn = self._turn
        if turn is None or not turn.text.complete:
            return
        if not self._segmenter.paused or self._segmenter.stirring:
            return
        wait = self._wait(turn)
        if self._segmenter.silence + _ROUNDING < wait.seconds:
            return
        self._segmenter.end()
        self._turn = None
        last = self._settle(turn, wait.ending, at=at)
        if isinstance(last, TurnDecided) and not self._room.bot_heard:
            self._decided = last

    def _wait(self, turn: SpokenTurn) -> Wait:
        patience = self._room.settings.patience
        if turn.released:
            return Wait(seconds=0.0, ending=Ending.COMPLETE)
        if not turn.text.text:
            return Wait(seconds=patience.unsure, ending=Ending.TIMEOUT)
        evidence = Evidence(
            probability=turn.probability,
            words=self._words(turn),
            after_question=self._room.expects_answer(turn.started),
            usual_pause=self._pauses.usual(),
        )
        return wait_for(evidence, patience=patience)

    def _words(self, turn: SpokenTurn) -> Completeness:
        lists = wording(self._room.languages.of(self.speaker.id))
        return completeness(turn.text.text, lists)

    def _finish(self, turn: SpokenTurn, *, at: float) -> None:
        if turn in self._finishing and turn.text.complete:
            self._finishing.remove(turn)
            self._settle(turn, Ending.TIMEOUT, at=at)

    def _settle(self, turn: SpokenTurn, ending: Ending, *, at: float) -> ListeningEvent:
        turn.cancel()
        self._room.asked_at = None
        events = verdict(turn, self.speaker, ending, room=self._room, at=at)
        for event in events:
            self._room.emit(event)
        return events[-1]

    def _transcribe(self, turn: SpokenTurn) -> None:
        request, clip, voiced = turn.text.ask(), self._segmenter.clip(), self._segmenter.voiced
        cancel(turn.transcription)
        turn.transcription = self._start(
            turn, "transcription", partial(self._answer, turn, request, clip, voiced)
        )

    def _judge(self, turn: SpokenTurn) -> None:
        if self._room.completion is None:
            return
        cancel(turn.judging)
        samples = self._segmenter.recent(COMPLETION_SECONDS)
        turn.judging = self._start(turn, "completion", partial(self._complete, turn, samples))

    async def _answer(self, turn: SpokenTurn, request: Request, clip: bytes, voiced: float) -> None:
        heard = await understood(self._room, self.speaker, clip, voiced=voiced)
        if not turn.text.answer(request, heard) or not turn.text.complete:
            return
        self._telling.text(turn, turn.text.text, stage=Stage.SPECULATIVE)
        self._finish(turn, at=self._room.clock.monotonic())
        self._look_again(turn)

    async def _complete(self, turn: SpokenTurn, samples: Samples) -> None:
        if self._room.completion is None:
            return
        judgement = await judged(self._room.completion, samples)
        if judgement is not None:
            turn.probability = max(judgement, turn.probability or 0.0)
        self._look_again(turn)

    async def _probe(self, turn: SpokenTurn, clip: bytes, voiced: float) -> None:
        heard = await understood(self._room, self.speaker, clip, voiced=voiced)
        sure = heard.confidence is None or heard.confidence >= self._room.settings.probe_confidence
        if heard.text and sure and not self._room.echo.is_echo(heard.text, since=turn.started):
            self._telling.text(turn, heard.text, stage=Stage.PARTIAL)

    def _look_again(self, turn: SpokenTurn) -> None:
        if turn is self._turn:
            self._consider(self._room.clock.monotonic())

    def _start(
        self, turn: SpokenTurn, name: str, work: Callable[[], Awaitable[None]]
    ) -> asyncio.Task[None]:
        return turn.owns(self._room.supervisor.start(f"listening {name}", work))

    def _current(self) -> SpokenTurn:
        if self._turn is None:
            raise RuntimeError("the segmenter tells of speech before its onset")  # noqa: TRY003
        return self._turn
