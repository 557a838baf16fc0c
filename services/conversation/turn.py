"""A turn while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.conversation.inbound import Fired
from services.conversation.moderation.rules import NO_RULES, ContentRules
from services.conversation.scenes import NO_CAST, Cast
from services.conversation.tool_rules import ToolRule
from services.domain.calls import ToolCall, ToolResult
from services.domain.ids import AuthorId, MessageId, PersonaId
from services.domain.messages import HistoryEntry
from services.domain.people import Author, Role
from services.domain.replies import Delivery, InterruptReason, TurnBrief, TurnKind
from services.persona.character import Persona


@dataclass(slots=True, kw_only=True)
class Turn:
    """One persona's answer in the making.

    ``alternative_of`` is the reply this one is another version of; ``extends`` is the reply it
    continues. ``resumed`` is a tool call a person has agreed to, with its result; no tool runs
    before all of ``certain`` are set. ``cast`` is the scene the persona speaks in, and ``history``
    what it knows of what was said. ``forbidden`` is what nobody may say in the place beyond what
    is forbidden everywhere; ``tool_rules`` say who may use which tools there, the narrowest scope
    first. ``acted`` tells that a tool has begun to change something for what is answered, also in
    an earlier try. ``explanation`` gathers what was decided, for ``why``. Nothing is kept
    of a turn that is stopped because what it answers was ``withdrawn``.
    """

    brief: TurnBrief
    persona: Persona
    delivery: Delivery
    history: Sequence[HistoryEntry]
    asker: Author | None = None
    role: Role = Role.MEMBER
    fired: Fired | None = None
    model_name: str | None = None
    alternative_of: HistoryEntry | None = None
    extends: HistoryEntry | None = None
    resumed: tuple[ToolCall, ToolResult] | None = None
    certain: Sequence[asyncio.Event] = ()
    witnesses: frozenset[AuthorId | PersonaId] = frozenset()
    cast: Cast = NO_CAST
    forbidden: ContentRules = NO_RULES
    tool_rules: Sequence[Sequence[ToolRule]] = ()
    explanation: dict[str, object] = field(default_factory=dict)
    acted: bool = False
    shown: bool = False
    withdrawn: bool = False
    reason: InterruptReason | None = None
    _generation: asyncio.Task[Exception | None] | None = None

    def bind(self, generation: asyncio.Task[Exception | None]) -> None:
        """Name the task that ``interrupt`` cancels; one interrupted before is cancelled now."""
        self._generation = generation
        if self.reason is not None:
            generation.cancel()

    def interrupt(self, reason: InterruptReason) -> None:
        """Stop the answer; the first reason counts and later calls do nothing."""
        if self.reason is not None:
            return
        self.reason = reason
        if self._generation is not None:
            self._generation.cancel()

    @property
    def again(self) -> bool:
        """Whether the same was answered before, so that a change may have been made already."""
        told_again = self.brief.kind in (TurnKind.REGENERATE, TurnKind.CONTINUE)
        return self.acted or told_again or self.alternative_of is not None

    @property
    def reply_to(self) -> MessageId | None:
        """The message this turn answers."""
        return self.brief.trigger.id if self.brief.trigger else None
