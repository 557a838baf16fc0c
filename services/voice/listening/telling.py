"""One speaker's events, told to whoever listens to the listener."""

from __future__ import annotations

from services.domain.people import Author
from services.voice.listening.events import (
    DropReason,
    SpeechEnded,
    SpeechProgress,
    SpeechStarted,
    Stage,
    TranscriptReady,
    TurnDropped,
)
from services.voice.listening.room import Room
from services.voice.listening.segment_events import Capped, Onset, Pause, Resume
from services.voice.listening.spoken_turn import SpokenTurn


class Telling:
    """Emits what happens in a speaker's turns."""

    def __init__(self, speaker: Author, room: Room) -> None:
        self.speaker = speaker
        self._room = room

    def started(self, turn: SpokenTurn, event: Onset | Resume, /) -> None:
        """Tell that speech began or went on."""
        self._room.emit(
            SpeechStarted(
                speaker=self.speaker,
                turn=turn.number,
                at=event.at,
                since=event.since,
                resumed=isinstance(event, Resume),
                continues=turn.continues,
            )
        )

    def ended(self, turn: SpokenTurn, event: Pause | Capped, /) -> None:
        """Tell that speech stopped."""
        self._room.emit(
            SpeechEnded(speaker=self.speaker, turn=turn.number, at=event.at, since=event.since)
        )

    def progress(self, turn: SpokenTurn, /, *, voiced: float, at: float) -> None:
        """Tell how long speech has gone on."""
        self._room.emit(
            SpeechProgress(speaker=self.speaker, turn=turn.number, at=at, voiced=voiced)
        )

    def text(self, turn: SpokenTurn, text: str, /, *, stage: Stage) -> None:
        """Tell what was understood, now."""
        at = self._room.clock.monotonic()
        self._room.emit(
            TranscriptReady(speaker=self.speaker, turn=turn.number, at=at, text=text, stage=stage)
        )

    def left(self, turn: SpokenTurn, /, *, at: float) -> None:
        """Tell that the turn went with its speaker."""
        self._room.emit(
            TurnDropped(speaker=self.speaker, turn=turn.number, at=at, reason=DropReason.LEFT)
        )
