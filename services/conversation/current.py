"""The answer in progress, and what may happen to it from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.conversation.jobs import Job
from services.conversation.turn import Turn
from services.domain.messages import HistoryEntry
from services.domain.replies import InterruptReason


@dataclass(slots=True)
class Current:
    """One persona's try at a job; ``turn`` is ``None`` until its context is gathered.

    ``again`` asks for another try once this one has ended, ``stale`` for gathering its context
    anew. It is ``withdrawn`` when nothing it answers is left.
    """

    job: Job
    started_at: float
    turn: Turn | None = None
    reason: InterruptReason | None = None
    again: bool = False
    stale: bool = False
    withdrawn: bool = False
    ended: bool = False

    def interrupt(self, reason: InterruptReason) -> None:
        """End it for good; the first reason counts."""
        self.again = False
        self._cut(reason)

    def begin_anew(self) -> None:
        """Let it be tried again, unless it is being stopped anyway."""
        if self.turn is None:
            self.stale = True
        elif self.reason is None:
            self._cut(InterruptReason.SUPERSEDED)
            self.again = True

    def end(self, *, stopped: bool) -> None:
        """Note that its turn has ended; what was to begin anew but came to its end stays."""
        self.ended = True
        if self.again and not stopped:
            self.again, self.reason = False, None

    @property
    def superseded(self) -> bool:
        """Whether something else takes its place."""
        return self.reason is InterruptReason.SUPERSEDED

    def withdraw(self) -> None:
        """End it and keep nothing of it."""
        self.withdrawn = True
        if self.turn is not None:
            self.turn.withdrawn = True
        self.interrupt(InterruptReason.USER_STOP)

    def _cut(self, reason: InterruptReason) -> None:
        self.reason = self.reason or reason
        if self.turn is not None:
            self.turn.interrupt(reason)


def take_place(turn: Turn, superseded: Sequence[HistoryEntry]) -> None:
    """Make ``turn`` a version of what its persona had said before it had to begin anew."""
    earlier = [one for one in superseded if one.message.author.persona == turn.persona.id]
    if not earlier:
        return
    unsaid = {one.message.id for one in earlier}
    turn.history = [entry for entry in turn.history if entry.message.id not in unsaid]
    turn.alternative_of = turn.alternative_of or earlier[-1]
    turn.brief = replace(turn.brief, alternatives=turn.brief.alternatives + len(earlier))
    turn.explanation["begun_anew"] = len(earlier)
