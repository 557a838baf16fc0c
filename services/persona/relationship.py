"""How close a persona is to a person."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum

from services.domain.errors import InvalidRequest

_THRESHOLDS = (20.0, 40.0, 60.0, 80.0)
_CLOSEST = 100.0


class Stage(StrEnum):
    """The steps from strangers to best friends."""

    STRANGER = "stranger"
    ACQUAINTANCE = "acquaintance"
    FRIEND = "friend"
    CLOSE_FRIEND = "close friend"
    BEST_FRIEND = "best friend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """Affection from 0 to 100; the stage follows at 20, 40, 60 and 80."""

    affection: float = 0.0

    def __post_init__(self) -> None:
        """Refuse affection outside 0 to 100."""
        if not 0.0 <= self.affection <= _CLOSEST:
            raise InvalidRequest("affection", "Affection lies between 0 and 100.")

    @property
    def stage(self) -> Stage:
        """How far the relationship has come."""
        return tuple(Stage)[bisect_right(_THRESHOLDS, self.affection)]

    def describe(self) -> str:
        """Return the stage in words for a prompt; empty for strangers."""
        return "" if self.stage is Stage.STRANGER else str(self.stage)
