"""How a persona feels at the moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.domain.errors import InvalidRequest

_FAINT = 0.3
_STRONG = 0.7


class MoodKind(StrEnum):
    """The moods a persona can be in."""

    NEUTRAL = "neutral"
    EXCITED = "excited"
    FRUSTRATED = "frustrated"
    SAD = "sad"
    BORED = "bored"
    CURIOUS = "curious"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """A mood and how strong it is, from 0 to 1."""

    kind: MoodKind = MoodKind.NEUTRAL
    intensity: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an intensity outside 0 to 1."""
        if not 0.0 <= self.intensity <= 1.0:
            raise InvalidRequest("mood", "The strength of a mood lies between 0 and 1.")

    def describe(self) -> str:
        """Return the mood in words for a prompt; empty when neutral or below 0.3."""
        if self.kind is MoodKind.NEUTRAL or self.intensity < _FAINT:
            return ""
        return f"very {self.kind}" if self.intensity >= _STRONG else f"somewhat {self.kind}"
