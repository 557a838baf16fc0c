"""Which language each person speaks: as set, or as recognised twice running."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from services.domain.ids import AuthorId

_MOST_PEOPLE = 256
_SURE = 0.6
_ENOUGH = 2


@dataclass(slots=True)
class _Habit:
    language: str | None = None
    fixed: bool = False
    candidate: str | None = None
    times: int = 0


class Languages:
    """Remembers languages of at most 256 people; ``default`` is for everybody else."""

    def __init__(self, default: str | None = None) -> None:
        self._default = default
        self._habits: OrderedDict[AuthorId, _Habit] = OrderedDict()

    def of(self, speaker: AuthorId, /) -> str | None:
        """Return the BCP 47 tag to expect from a person, or ``None`` to let the engine tell."""
        habit = self._habits.get(speaker)
        return self._default if habit is None or habit.language is None else habit.language

    def fix(self, speaker: AuthorId, language: str | None, /) -> None:
        """Set a person's language, or let it be recognised again."""
        habit = self._habit(speaker)
        habit.language, habit.fixed = language, language is not None
        habit.candidate, habit.times = None, 0

    def recognised(
        self, speaker: AuthorId, language: str | None, /, *, confidence: float | None
    ) -> None:
        """Learn from a transcript; one without a language or much confidence teaches nothing."""
        if language is None or (confidence is not None and confidence < _SURE):
            return
        habit = self._habit(speaker)
        if habit.fixed:
            return
        habit.times = habit.times + 1 if habit.candidate == language else 1
        habit.candidate = language
        if habit.times >= _ENOUGH:
            habit.language = language

    def _habit(self, speaker: AuthorId) -> _Habit:
        habit = self._habits.setdefault(speaker, _Habit())
        self._habits.move_to_end(speaker)
        while len(self._habits) > _MOST_PEOPLE:
            self._habits.popitem(last=False)
        return habit
