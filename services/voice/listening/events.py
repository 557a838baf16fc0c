"""What a listener tells; every time is in seconds on the clock of the frames' arrival."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.domain.people import Author
from services.voice.listening.endpointing import Ending


class Stage(StrEnum):
    """How much a transcript can be relied on.

    ``PARTIAL`` is of speech that goes on, taken only while the bot is heard; ``SPECULATIVE`` is
    the whole turn so far, in a pause; ``FINAL`` is what the turn is decided on.
    """

    PARTIAL = "partial"
    SPECULATIVE = "speculative"
    FINAL = "final"


class DropReason(StrEnum):
    """Why a turn came to nothing."""

    EMPTY = "empty"
    INVENTED = "invented"
    ECHO = "echo"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """Somebody began at ``since``, or goes on (``resumed``): what was speculated on is void.

    ``continues`` is the turn decided just before, to which no answer has been heard yet: this one
    takes its place, and its text will begin with that turn's.
    """

    speaker: Author
    turn: int
    at: float
    since: float
    resumed: bool = False
    continues: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechProgress:
    """Somebody has spoken for ``voiced`` seconds; told only while the bot is heard."""

    speaker: Author
    turn: int
    at: float
    voiced: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded:
    """Somebody fell silent at ``since``, perhaps to go on."""

    speaker: Author
    turn: int
    at: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptReady:
    """The words of a turn, with the relevance its ``stage`` has."""

    speaker: Author
    turn: int
    at: float
    text: str
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDecided:
    """A turn is over; the last event of its number.

    ``text`` is never empty and was said from ``started_at`` to ``ended_at``. With ``continues`` it
    holds that turn's text as well, so that ``started_at`` is that turn's, and an answer to that
    turn is to be given up. What is not ``addressed`` is context for the next turn that is.
    """

    speaker: Author
    turn: int
    at: float
    text: str
    ending: Ending
    addressed: bool
    started_at: float
    ended_at: float
    continues: int | None = None
    language: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDropped:
    """A turn came to nothing; the last event of its number."""

    speaker: Author
    turn: int
    at: float
    reason: DropReason


ListeningEvent = (
    SpeechStarted | SpeechProgress | SpeechEnded | TranscriptReady | TurnDecided | TurnDropped
)
