"""What is told when a turn ends."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.people import Author
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import (
    DropReason,
    ListeningEvent,
    Stage,
    TranscriptReady,
    TurnDecided,
    TurnDropped,
)
from services.voice.listening.room import Room
from services.voice.listening.spoken_turn import SpokenTurn


def verdict(
    turn: SpokenTurn, speaker: Author, ending: Ending, *, room: Room, at: float
) -> Sequence[ListeningEvent]:
    """Return the last events of a turn whose text is complete, and learn from it."""
    reason = _reason_to_drop(turn, room)
    if reason is not None:
        return [TurnDropped(speaker=speaker, turn=turn.number, at=at, reason=reason)]
    text, last = turn.text.text, turn.text.parts[-1]
    sure = [part.confidence for part in turn.text.parts if part.confidence is not None]
    confidence = min(sure, default=None)
    room.languages.recognised(speaker.id, last.language, confidence=confidence)
    decided = TurnDecided(
        speaker=speaker,
        turn=turn.number,
        at=at,
        text=text,
        ending=ending,
        addressed=room.wake.addressed(speaker.id, text, since=turn.started),
        started_at=turn.started,
        ended_at=turn.ended,
        continues=turn.continues,
        language=last.language,
        confidence=confidence,
    )
    final = TranscriptReady(speaker=speaker, turn=turn.number, at=at, text=text, stage=Stage.FINAL)
    return [final, decided]


def _reason_to_drop(turn: SpokenTurn, room: Room) -> DropReason | None:
    parts = turn.text.parts
    if any(part.failed for part in parts):
        return DropReason.FAILED
    if not turn.text.text:
        invented = any(part.invented for part in parts)
        return DropReason.INVENTED if invented else DropReason.EMPTY
    if room.echo.is_echo(turn.text.text, since=turn.started):
        return DropReason.ECHO
    return None
