"""What a listener tells, as everybody who watches a call is told it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from services.voice.call_events import (
    CallEvent,
    PersonStarted,
    PersonStopped,
    TurnLost,
    TurnTaken,
    WordsHeard,
)
from services.voice.listening.events import (
    ListeningEvent,
    SpeechEnded,
    SpeechProgress,
    SpeechStarted,
    TranscriptReady,
    TurnDecided,
    TurnDropped,
)

logger = logging.getLogger(__name__)


class Reports:
    """Tells a watcher of a call's events until ``close``; one that fails is logged."""

    def __init__(self, watcher: Callable[[CallEvent], None]) -> None:
        self._watcher = watcher
        self._closed = False

    def close(self) -> None:
        """Tell nothing more."""
        self._closed = True

    def tell(self, event: CallEvent, /) -> None:
        """Pass an event on."""
        if self._closed:
            return
        try:
            self._watcher(event)
        except Exception:  # whoever watches must not end the call
            logger.exception("a call's event was not taken", extra={"event": type(event).__name__})


def report(event: ListeningEvent, /) -> CallEvent | None:
    """Return what to tell of an event; ``None`` for what only matters inside."""
    match event:
        case SpeechStarted():
            return PersonStarted(
                speaker=event.speaker, at=event.at, since=event.since, resumed=event.resumed
            )
        case SpeechEnded():
            return PersonStopped(speaker=event.speaker, at=event.at, since=event.since)
        case TranscriptReady():
            return WordsHeard(
                speaker=event.speaker,
                turn=event.turn,
                at=event.at,
                text=event.text,
                stage=event.stage,
            )
        case TurnDecided():
            return TurnTaken(
                speaker=event.speaker,
                turn=event.turn,
                at=event.at,
                text=event.text,
                ending=event.ending,
                addressed=event.addressed,
                started_at=event.started_at,
                ended_at=event.ended_at,
                continues=event.continues,
            )
        case TurnDropped():
            return TurnLost(
                speaker=event.speaker, turn=event.turn, at=event.at, reason=event.reason
            )
        case SpeechProgress():
            return None
