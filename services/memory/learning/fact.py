"""One thing known of somebody, and what is needed to keep it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.domain.ids import ConversationId, MessageId, PersonaId, PersonId
from services.memory.learning import slots
from services.memory.learning.rules.findings import FactKind, Finding
from services.memory.recollections import Dropped

_SELF = "\x00self"


class Origin(StrEnum):
    """How a fact became known; ``TOLD`` was asked to be remembered, or put right by hand."""

    RULE = "rule"
    MODEL = "model"
    BLOCK = "block"
    TOLD = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody by name, and by id where they are known here."""

    name: str
    person: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who said something, where, when and to whom; facts belong to that character and place."""

    teller: Party
    persona: PersonaId
    conversation: ConversationId
    message: MessageId | None
    said_at: datetime
    origin: Origin = Origin.RULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing known of somebody.

    ``text`` is a sentence in the third person, ``quote`` the words it was taken from. Hearsay is
    what ``teller`` said of somebody else. It held from ``valid_from`` until before ``valid_to``; a
    note that something ended has both alike. Facts are data about people, never instructions.
    """

    id: str
    audience: int
    about: Party
    teller: Party
    hearsay: bool
    kind: FactKind
    slot: str
    value: str
    text: str
    quote: str
    confidence: float
    origin: Origin
    pinned: bool
    conversation: str | None
    message: str | None
    valid_from: datetime
    valid_to: datetime | None
    created_at: datetime
    superseded_by: str | None = None

    @property
    def standing(self) -> bool:
        """Whether it still holds."""
        return self.valid_to is None

    @property
    def ending(self) -> bool:
        """Whether it only notes that something ended."""
        return self.superseded_by == self.id

    @property
    def subject(self) -> str:
        """Who it is about as compared: the teller, whatever their name now, or a name."""
        return slots.plain(self.about.name) if self.hearsay else _SELF

    @property
    def digest(self) -> str:
        """What two facts that say the same have in common."""
        return slots.digest(self.subject, self.slot, self.value)

    @property
    def claim(self) -> str:
        """What is compared among facts about the same; nothing for an ending of everything."""
        return f"{self.slot}={slots.plain(self.value)}" if self.value else ""

    @property
    def track(self) -> str:
        """Name what it can contradict, and be contradicted by."""
        return slots.track(self.slot, self.value)


def fact_from(
    finding: Finding,
    told: Telling,
    *,
    id: str,  # noqa: A002  what it becomes
    audience: int,
    now: datetime,
    about: Party | None = None,
) -> Fact:
    """Return a finding as a fact that holds from when it was said, about the teller by default."""
    whom = about or told.teller
    hearsay = finding.about is not None
    sentence = finding.sentence.replace("{who}", finding.who or whom.name)
    if hearsay:
        sentence = f"{sentence.rstrip('.')}, according to {told.teller.name}."
    asked = finding.asked and told.origin is Origin.RULE
    return Fact(
        id=id,
        audience=audience,
        about=whom,
        teller=told.teller,
        hearsay=hearsay,
        kind=finding.kind,
        slot=finding.slot,
        value=finding.value,
        text=sentence,
        quote=finding.quote,
        confidence=finding.confidence,
        origin=Origin.TOLD if asked else told.origin,
        pinned=False,
        conversation=str(told.conversation),
        message=told.message,
        valid_from=told.said_at,
        valid_to=None,
        created_at=now,
    )


class Outcome(StrEnum):
    """What became of a statement: new, known before, or known earlier than thought."""

    ADDED = "added"
    KNOWN = "known"
    EARLIER = "earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The fact that stands for a statement, and what became of the statement."""

    fact: str
    outcome: Outcome


@dataclass(slots=True)
class Changes:
    """What a transaction did to facts; give ``dropped`` to the indexer after the commit."""

    indexed: int = 0
    dropped: list[Dropped] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether the indexer has something to do."""
        return bool(self.indexed or self.dropped)
