"""What does not work in a call, told once each."""

from __future__ import annotations

from collections.abc import Callable

from services.domain.clock import Clock
from services.voice.call_events import CallEvent, Trouble, Troubled


class Troubles:
    """Tells of a trouble when it comes and when it is over."""

    def __init__(self, *, clock: Clock, on_event: Callable[[CallEvent], None]) -> None:
        self._clock = clock
        self._on_event = on_event
        self._present: set[Trouble] = set()

    def begun(self, trouble: Trouble, text: str, /) -> bool:
        """Tell of a trouble in a sentence for people; ``False`` when that was done before."""
        if trouble in self._present:
            return False
        self._present.add(trouble)
        self._on_event(Troubled(trouble=trouble, text=text, at=self._clock.monotonic()))
        return True

    def over(self, trouble: Trouble, /) -> None:
        """Tell that it works again, if it did not."""
        if trouble in self._present:
            self._present.discard(trouble)
            now = self._clock.monotonic()
            self._on_event(Troubled(trouble=trouble, text="", at=now, over=True))
