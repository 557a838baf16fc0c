"""What happens in a call, for captions, tests and whoever watches; times are the call's clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.domain.ids import PersonaId, TurnId
from services.domain.people import Author
from services.voice.listening.endpointing import Ending
from services.voice.listening.events import DropReason, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStarted:
    """Somebody began to speak, or went on (``resumed``), at ``since``."""

    speaker: Author
    at: float
    since: float
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStopped:
    """Somebody fell silent at ``since``, perhaps to go on."""

    speaker: Author
    at: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsHeard:
    """What a turn reads like so far, as sure as its ``stage``."""

    speaker: Author
    turn: int
    at: float
    text: str
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaken:
    """A turn is over. Not ``addressed`` it is only overheard.

    ``continues`` is an earlier turn of the same person that this one takes the place of: ``text``
    and ``started_at`` begin with that.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLost:
    """What sounded like a turn came to nothing."""

    speaker: Author
    turn: int
    at: float
    reason: DropReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBegun:
    """The first sound of an answer goes out."""

    persona: PersonaId | None
    persona_name: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseSpoken:
    """A clause begins to sound, perhaps again; ``text`` is as written.

    It ends at character ``end`` of the answer that is given in ``turn`` of the conversation;
    ``None`` where a text is read that is no answer.
    """

    persona: PersonaId | None
    persona_name: str
    at: float
    text: str
    turn: TurnId | None = None
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ducked:
    """The answer got softer, because ``by`` speaks."""

    by: Author
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unducked:
    """The answer is as loud as before."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The answer fell silent because of ``by``, or of a command."""

    by: Author | None
    at: float
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The answer goes on from the clause that was interrupted."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEnded:
    """The last sound of an answer went out, or its rest was given up (not ``whole``)."""

    at: float
    whole: bool = True


class Trouble(StrEnum):
    """What does not work in a call."""

    EARS = "ears"
    VOICE = "voice"
    MODEL = "model"
    CONVERSION = "conversion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """Something broke, or works again (``over``); told once each; ``text`` is for people."""

    trouble: Trouble
    text: str
    at: float
    over: bool = False


CallEvent = (
    PersonStarted
    | PersonStopped
    | WordsHeard
    | TurnTaken
    | TurnLost
    | AnswerBegun
    | ClauseSpoken
    | Ducked
    | Unducked
    | Interrupted
    | Resumed
    | AnswerEnded
    | Troubled
)
