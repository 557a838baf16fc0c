"""What a chore is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The circumstances of one time that everything is tidied up.

    Ages are computed against ``as_of``, which may lie before the clock's time when the clock has
    jumped. A ``rehearsal`` changes nothing and reports what would be done. Without ``quiet``
    somebody is being answered, and what would make them wait is left for another time.
    """

    as_of: datetime
    rehearsal: bool = False
    quiet: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoreReport:
    """How many things went (files, rows), how many bytes they had, and what else happened."""

    removed: int = 0
    bytes: int = 0
    note: str = ""

    def __add__(self, other: ChoreReport) -> ChoreReport:
        """Return both together."""
        return ChoreReport(
            removed=self.removed + other.removed,
            bytes=self.bytes + other.bytes,
            note="; ".join(note for note in (self.note, other.note) if note),
        )


class Chore(Protocol):
    """One thing that is tidied up; ``name`` is a stable word for logs and metrics."""

    @property
    def name(self) -> str:
        """Return the name."""
        ...

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Do it without blocking the event loop; raising counts as failed and stops nothing."""
        ...
