"""When there is nothing more to come of a recording."""

from __future__ import annotations

from services.voice.call_events import (
    AnswerBegun,
    AnswerEnded,
    CallEvent,
    Interrupted,
    PersonStarted,
    Resumed,
    Trouble,
    Troubled,
    TurnLost,
    TurnTaken,
)

PATIENCE = 15.0
"""How long an answer may be awaited, in seconds."""

LINGER = 1.0
"""How long nothing may happen after the last answer: what is said in vain comes within it."""

_UNSURE_LINGER = 3.0
_LONGEST_CLAUSE = 60.0


class Conclusion:
    """Follows the events of one call; ``ends`` is when the recording ends, on the call's clock."""

    def __init__(self, *, ends: float) -> None:
        self._last = ends
        self._ends = ends
        self._speaking = self._answering = False
        self._awaited = self._unsure = False
        self._hushed = False
        self._nothing_yet = True

    def take(self, event: CallEvent, /, *, now: float) -> None:
        """Take the next event."""
        self._last = max(self._last, now)
        match event:
            case PersonStarted():
                self._speaking, self._nothing_yet = True, False
            case TurnLost():
                self._speaking = False
            case TurnTaken():
                self._speaking = False
                if self._answering or self._hushed:
                    self._unsure, self._hushed = event.addressed, False
                else:
                    self._awaited = event.addressed
            case AnswerBegun():
                self._answering, self._awaited, self._unsure = True, False, False
            case AnswerEnded():
                self._answering = False
            case Interrupted():
                self._awaited, self._hushed = not event.hard, event.hard
            case Resumed() | Troubled(trouble=Trouble.MODEL, over=False):
                self._awaited = False
            case _:
                pass

    def reached(self, now: float, /) -> bool:
        """Say whether nothing more is to be expected, or was for too long."""
        idle = now - self._last
        if now < self._ends:
            return False
        if self._answering:
            return idle >= _LONGEST_CLAUSE
        if self._speaking or self._awaited:
            return idle >= PATIENCE
        return idle >= (_UNSURE_LINGER if self._unsure or self._nothing_yet else LINGER)
