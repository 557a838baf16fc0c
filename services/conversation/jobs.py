"""What waits in a conversation's mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.conversation.inbound import Fired, Inbound, Outcome, Receipt, Withheld
from services.domain.calls import ToolCall, ToolResult
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import HistoryEntry, Message
from services.domain.people import Author, Role
from services.domain.replies import Delivery, Terminal, TurnKind
from services.observability.logging import correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiative:
    """A persona's wish to speak unasked; ``hop`` counts the machine-caused steps so far."""

    conversation: ConversationId
    persona: PersonaId
    instruction: str
    hop: int = 1


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message and the promise about it."""

    inbound: Inbound
    receipt: Receipt
    correlation: str | None = field(default_factory=correlation.get)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An initiative, where it would be said, and the promise about it."""

    initiative: Initiative
    delivery: Delivery
    receipt: Receipt
    correlation: str | None = field(default_factory=correlation.get)


@dataclass(frozen=True, slots=True)
class Operation:
    """Work that needs the conversation to be quiet; the result goes to ``done``."""

    work: Callable[[], Awaitable[Any]]
    done: asyncio.Future[Any]
    correlation: str | None = field(default_factory=correlation.get)


Item = Arrival | Proposal | Operation


@dataclass(slots=True, kw_only=True)
class Job:
    """Answers to be given: one turn for each of ``personas``, in order.

    ``correlation`` is that of the newest message it answers. ``in_order`` leaves what is answered
    where it was said; ``given`` are the answers given so far, and ``answered`` tells how many of
    ``personas`` have had their turn.
    """

    kind: TurnKind
    personas: Sequence[PersonaId]
    delivery: Delivery
    receipts: list[Receipt]
    burst: list[Message] = field(default_factory=list)
    asker: Author | None = None
    role: Role = Role.MEMBER
    fired: list[Fired] = field(default_factory=list)
    instruction: str | None = None
    hop: int = 0
    witnesses: frozenset[AuthorId | PersonaId] = frozenset()
    alternative_of: HistoryEntry | None = None
    alternatives: int = 0
    extends: HistoryEntry | None = None
    resumed: tuple[ToolCall, ToolResult] | None = None
    in_order: bool = False
    given: list[MessageId] = field(default_factory=list)
    answered: int = 0
    account: dict[str, object] = field(default_factory=dict)
    terminals: list[Terminal] = field(default_factory=list)
    correlation: str | None = field(default_factory=correlation.get)

    def absorb(self, other: Job) -> None:
        """Answer ``other``'s messages as well, after our own."""
        self.burst.extend(other.burst)
        self.receipts.extend(other.receipts)
        self.fired.extend(other.fired)
        self.personas = tuple(dict.fromkeys([*self.personas, *other.personas]))
        self.delivery, self.asker, self.role = other.delivery, other.asker, other.role
        self.witnesses |= other.witnesses
        self.correlation = other.correlation

    def settle(self) -> None:
        """Fulfil the promises with what happened."""
        nobody = None if self.terminals else Withheld(reason="nobody_present")
        outcome = Outcome(
            terminals=tuple(self.terminals), withheld=nobody, merged=len(self.receipts) > 1
        )
        for receipt in self.receipts:
            receipt.settle(outcome)
