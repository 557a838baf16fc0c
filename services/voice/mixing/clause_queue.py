"""An answer's clauses on their way to people's ears, and how far they came."""

from __future__ import annotations

from collections import deque

import numpy as np

from services.voice.audio_io import BLOCK_RATE
from services.voice.mixing.clause_sound import ClauseSound
from services.voice.mixing.heard import Heard
from services.voice.mixing.mixer_events import ClauseFinished, ClauseStarted, MixerEvent
from services.voice.pcm import Samples


class ClauseQueue:
    """Clauses are read one after the other without a gap; what was heard whole is let go."""

    def __init__(self) -> None:
        self._clauses: deque[ClauseSound] = deque()
        self._passed = 0
        self._last = 0
        self._open = False

    @property
    def open(self) -> bool:
        """Whether a clause takes sound."""
        return self._open

    @property
    def left(self) -> int:
        """How many samples can be read now."""
        return sum(clause.left for clause in self._clauses)

    @property
    def heard(self) -> Heard:
        """How far people heard the answer."""
        passed = self._passed
        for clause in self._clauses:
            if not clause.finished:
                return Heard(
                    clauses=clause.number - 1,
                    seconds=clause.heard / BLOCK_RATE,
                    length=clause.length / BLOCK_RATE if clause.ended else None,
                )
            passed = clause.number
        return Heard(clauses=passed)

    def begin(self, number: int) -> None:
        """Open a clause, and end the one before. ``ValueError`` unless its number is higher."""
        if number <= self._last:
            raise ValueError(f"clause {number} after {self._last}")  # noqa: TRY003
        self.end()
        self._last = number
        self._clauses.append(ClauseSound(number))
        self._open = True

    def write(self, samples: Samples) -> None:
        """Add to the open clause."""
        if self._open:
            self._clauses[-1].write(samples)

    def end(self) -> None:
        """Take the open clause for complete."""
        if self._open:
            self._clauses[-1].ended = True
            self._open = False

    def read(self, into: Samples, *, at: float, events: list[MixerEvent]) -> int:
        """Fill ``into`` as far as there is sound; return how far, and add what happened."""
        filled = 0
        while self._clauses:
            clause = self._clauses[0]
            count = clause.read(into[filled:])
            filled += count
            if not clause.started and (count or clause.finished):
                clause.started = True
                events.append(ClauseStarted(clause=clause.number, at=at))
            if not clause.finished:
                break
            events.append(ClauseFinished(clause=clause.number, at=at))
            self._passed = clause.number
            self._clauses.popleft()
        return filled

    def upcoming(self, count: int) -> Samples:
        """Return the next samples, at most ``count``, and leave them in place."""
        into = np.zeros(count, np.float32)
        filled = 0
        for clause in self._clauses:
            filled += clause.peek(into[filled:])
            if filled == count:
                break
        return into[:filled]

    def rewind(self) -> None:
        """Go back to the beginning of the clause that was cut."""
        for clause in self._clauses:
            if not clause.finished:
                clause.rewind()
                break
