"""What is remembered of a call while it lasts: how quick it is, and what does not work."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable

from services.voice.call_events import AnswerBegun, CallEvent, Trouble, Troubled, TurnTaken

_TOLD_AGAIN_SECONDS = 300.0
_MOST_DELAYS = 20
_UNCONVERTED = (
    "The character's voice cannot be made just now, so another one speaks; `main.py doctor` may "
    "know why."
)


class CallRecord:
    """Watches what happens; ``tell`` is given each trouble once, and not again for five minutes.

    ``unconverted`` says whether voices pass unconverted now.
    """

    def __init__(self, tell: Callable[[str], object], unconverted: Callable[[], bool]) -> None:
        self._tell = tell
        self._unconverted = unconverted
        self._told: dict[Trouble, float] = {}
        self._asked: TurnTaken | None = None
        self._delays: deque[float] = deque(maxlen=_MOST_DELAYS)
        self.troubles: dict[Trouble, str] = {}
        """What does not work now, and what people were told of it."""

    @property
    def delay(self) -> float | None:
        """The median of the last seconds from the end of a turn to the first sound of an answer."""
        return statistics.median(self._delays) if self._delays else None

    def take(self, event: CallEvent, /) -> None:
        """Take what happened in the call."""
        match event:
            case TurnTaken() if event.addressed:
                self._asked = event
            case AnswerBegun():
                self._began(event)
            case Troubled():
                self._troubled(event)
            case _:
                pass

    def _began(self, event: AnswerBegun) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._delays.append(event.at - asked.ended_at)
        over = not self._unconverted()
        if not over or Trouble.CONVERSION in self.troubles:
            trouble = Trouble.CONVERSION
            self._troubled(Troubled(trouble=trouble, text=_UNCONVERTED, at=event.at, over=over))

    def _troubled(self, event: Troubled) -> None:
        if event.over:
            self.troubles.pop(event.trouble, None)
            return
        self.troubles[event.trouble] = event.text
        last = self._told.get(event.trouble)
        if last is None or event.at - last >= _TOLD_AGAIN_SECONDS:
            self._told[event.trouble] = event.at
            self._tell(event.text)
