"""What reading one message brings: findings, and why the rest taught nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FactKind(StrEnum):
    """What sort of thing is known."""

    FACT = "fact"
    PREFERENCE = "preference"
    TRAIT = "trait"
    RELATIONSHIP = "relationship"
    QUOTE = "quote"
    NAME = "name"
    DATE = "date"


class Refusal(StrEnum):
    """Why words taught nothing."""

    NOTHING = "nothing_to_learn"
    NOT_A_PERSON = "not_a_person"
    NOT_SHARED = "not_shared"
    UNWILLING = "not_wanted"
    EMPTY = "empty"
    QUESTION = "question"
    HYPOTHETICAL = "hypothetical"
    INSTRUCTION = "instruction"
    SECRET = "secret"  # noqa: S105
    REPORTED = "words_of_others"
    JOKE = "joke"
    COMMAND = "command"
    ECHO = "echo"
    REMINDER = "reminder"
    UNSUPPORTED = "not_in_the_message"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a message says.

    ``sentence`` is a plain sentence with ``{who}`` for the one it is about: the teller, unless
    ``about`` names another. ``quote`` are the words it came from. ``ends`` says that the value
    holds no longer; ``replaces`` that other values of the slot do not either.
    """

    slot: str
    value: str
    kind: FactKind
    sentence: str
    quote: str
    about: str | None = None
    who: str | None = None
    confidence: float = 0.8
    ends: bool = False
    replaces: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a message teaches, and the refusals met on the way, each once."""

    findings: tuple[Finding, ...] = ()
    refusals: tuple[Refusal, ...] = ()
