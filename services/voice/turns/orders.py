"""What the interruption policy orders the bot's voice to do."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.ids import AuthorId


@dataclass(frozen=True, slots=True, kw_only=True)
class Duck:
    """Speak on softly (12 dB lower): ``by`` began to speak."""

    by: AuthorId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unduck:
    """Speak on as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Fall silent now; keep the rest for a ``Resume`` unless ``hard``."""

    by: AuthorId
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on from the interrupted clause: the interruption was none."""


Order = Duck | Unduck | Stop | Resume
