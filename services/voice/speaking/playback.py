"""What of an answer was given to the mixer, and how much of it people heard."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.replies import Delivered
from services.voice.mixing.heard import Heard
from services.voice.speaking.clauses import weight
from services.voice.speaking.script import Clause, Script

_WEIGHT_PER_SECOND = 15.0  # letters said in a second, as long as nothing was measured


@dataclass(slots=True)
class Sounding:
    """A clause that has sound: ``seconds`` of it so far; ``whole`` once the engine said it all."""

    clause: Clause
    begun_at: float
    seconds: float = 0.0
    whole: bool = False


class Playback:
    """The clauses that sound, numbered from 1 as the mixer does, and what was heard of them."""

    def __init__(self) -> None:
        self._soundings: list[Sounding] = []

    def __len__(self) -> int:
        return len(self._soundings)

    def begin(self, clause: Clause, *, at: float) -> Sounding:
        """Add the next clause that has sound, at the moment it is given to the mixer."""
        self._soundings.append(Sounding(clause, at))
        return self._soundings[-1]

    def sounding(self, number: int, /) -> Sounding | None:
        """Return the clause the mixer knows by that number, if there is one."""
        return self._soundings[number - 1] if 1 <= number <= len(self) else None

    def delivered(self, script: Script, heard: Heard) -> Delivered:
        """Return what was heard in sentences and letters of the answer, cut back to a word.

        Of a clause heard in part, or said in part by an engine that then failed, as much counts
        as its share of the clause's sound. Stretches without sound count with what follows them.
        """
        return script.delivered(self._position(script, heard))

    def _position(self, script: Script, heard: Heard) -> int:
        complete = min(heard.clauses, len(self))
        if complete < len(self):
            now = self._soundings[complete]
            reached = script.reach(now.clause, self._share(now, heard.seconds))
            if reached is not None:
                return reached
        if not complete:
            return 0
        last = self._soundings[complete - 1]
        if last.whole:
            return last.clause.end
        reached = script.reach(last.clause, self._share(last, last.seconds))
        if reached is not None:
            return reached
        return self._soundings[complete - 2].clause.end if complete > 1 else 0

    def _share(self, sounding: Sounding, seconds: float) -> float:
        """Return which share of a clause ``seconds`` of its sound are."""
        length = sounding.seconds
        if not sounding.whole:
            length = max(length, weight(sounding.clause.speech) / self._pace())
        return min(1.0, seconds / length) if length > 0 else 0.0

    def _pace(self) -> float:
        whole = [each for each in self._soundings if each.whole]
        seconds = sum(each.seconds for each in whole)
        said = sum(weight(each.clause.speech) for each in whole)
        return said / seconds if seconds > 0 else _WEIGHT_PER_SECOND
