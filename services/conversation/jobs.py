"""What waits in a conversation's mailbox, and the answers it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
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


class Loss(Enum):
    """What becomes of a job when messages are gone: nothing, less to answer, nothing to answer."""

    NOTHING = 0
    SOME = 1
    ALL = 2


@dataclass(slots=True, kw_only=True)
class Job:
    """Answers to be given: one turn for each of ``personas``, in order.

    ``correlation`` is that of the newest message it answers. ``in_order`` leaves what is answered
    where it was said; ``given`` are the answers given so far, and ``answered`` tells how many of
    ``personas`` have had their turn. ``superseded`` are parts of answers that were begun anew; what
    their persona says next takes their place. ``acted`` tells that a tool has begun to change
    something for it. ``withheld`` is why nobody answered. Tools wait for
    what has yet to be ``certain``.
    """

    kind: TurnKind
    personas: Sequence[PersonaId]
    delivery: Delivery
    receipts: list[Receipt]
    burst: list[Message] = field(default_factory=list)
    asker: Author | None = None
    role: Role = Role.MEMBER
    fired: list[Fired] = field(default_factory=list)
    certain: list[asyncio.Event] = field(default_factory=list)
    instruction: str | None = None
    hop: int = 0
    witnesses: frozenset[AuthorId | PersonaId] = frozenset()
    alternative_of: HistoryEntry | None = None
    alternatives: int = 0
    extends: HistoryEntry | None = None
    resumed: tuple[ToolCall, ToolResult] | None = None
    in_order: bool = False
    acted: bool = False
    given: list[MessageId] = field(default_factory=list)
    answered: int = 0
    superseded: list[HistoryEntry] = field(default_factory=list)
    withheld: Withheld | None = None
    account: dict[str, object] = field(default_factory=dict)
    terminals: list[Terminal] = field(default_factory=list)
    correlation: str | None = field(default_factory=correlation.get)

    def absorb(self, other: Job) -> None:
        """Answer ``other``'s messages as well, after our own."""
        self.burst.extend(other.burst)
        self.receipts.extend(other.receipts)
        self.fired.extend(other.fired)
        self.certain.extend(other.certain)
        self.personas = tuple(dict.fromkeys([*self.personas, *other.personas]))
        self.delivery, self.asker, self.role = other.delivery, other.asker, other.role
        self.witnesses |= other.witnesses
        self.acted = self.acted or other.acted
        self.correlation = other.correlation

    def rewrite(self, message: Message) -> bool:
        """Answer ``message`` as it reads now; say whether that changes what is answered."""
        found = [at for at, known in enumerate(self.burst) if known.id == message.id]
        for at in found:
            self.burst[at] = message
        return bool(found) and self.kind is not TurnKind.CONTINUE

    def lose(self, gone: Collection[MessageId]) -> Loss:
        """Answer without the messages that are ``gone``."""
        left = [message for message in self.burst if message.id not in gone]
        fewer = len(left) < len(self.burst)
        self.burst = left
        changed = self.alternative_of or self.extends
        if changed is not None and changed.message.id in gone:
            return Loss.ALL
        if not fewer:
            return Loss.NOTHING
        return Loss.SOME if left or self.in_order else Loss.ALL

    def fail(self, error: Exception) -> None:
        """Break the promises."""
        for receipt in self.receipts:
            receipt.fail(error)

    def settle(self) -> None:
        """Fulfil the promises with what happened."""
        withheld = self.withheld or Withheld(reason="nobody_present")
        nobody = None if self.terminals else withheld
        outcome = Outcome(
            terminals=tuple(self.terminals), withheld=nobody, merged=len(self.receipts) > 1
        )
        for receipt in self.receipts:
            receipt.settle(outcome)
