"""How a tool is described, permitted and run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from services.domain.errors import NotAllowed
from services.domain.ids import ConversationId, MessageId, PersonaId, TurnId
from services.domain.messages import BlobPart
from services.domain.people import Author, Role


class Effect(StrEnum):
    """What running a tool changes.

    ``OWN`` changes only what belongs to whoever asked, such as their notes; once the answer has
    seen text from outside, a person must agree to it. ``OTHERS`` acts for or upon others and always
    waits for a person's yes.
    """

    READ = "read"
    OWN = "own"
    OTHERS = "others"


class Cost(StrEnum):
    """What running a tool takes: nothing worth counting, a service outside, or much of a model."""

    FREE = "free"
    NETWORK = "network"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """For whom and where a tool runs; ``asker`` is ``None`` for a persona's own initiative.

    ``timezone`` is the IANA name to tell times in, empty for the machine's; ``message`` is what is
    being answered.
    """

    conversation: ConversationId
    persona: PersonaId
    turn: TurnId
    asker: Author | None
    role: Role
    timezone: str = ""
    message: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """What a tool gives that makes more than text: ``parts`` are sent with the answer."""

    text: str
    parts: tuple[BlobPart, ...] = ()


def asked_by(context: ToolContext) -> Author:
    """Return whoever asked; raises ``NotAllowed`` when nobody did."""
    if context.asker is None:
        raise NotAllowed("nobody_asked", "Nobody asked for that.")
    return context.asker


ToolHandler = Callable[[Any, ToolContext], Awaitable[str | ToolOutput]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool.

    ``area`` names the kind of tools it belongs to, such as ``reminders``, by which they are
    permitted together. ``description`` is written for the model; ``keywords`` are further words, in
    any language, by which people ask for what it does, and ``pattern`` a regular expression of
    messages that call for it. ``parameters`` checks the arguments; ``handler`` gets the checked
    model and the context and returns short text for the model, a ``ToolOutput`` where a picture or
    file goes with it, or raises ``Refused`` with a sentence the model may pass on. It is cancelled
    after ``timeout`` seconds. ``untrusted`` marks results that come from outside: they are shown to
    the model as quoted data, and what the answer changes after them waits for a person's yes.
    """

    name: str
    description: str
    parameters: type[BaseModel]
    handler: ToolHandler
    area: str = "general"
    keywords: tuple[str, ...] = ()
    pattern: str = ""
    permission: Role = Role.GUEST
    timeout: float = 10.0
    effect: Effect = Effect.READ
    cost: Cost = Cost.FREE
    untrusted: bool = True

    @property
    def confirm(self) -> bool:
        """Whether a person must agree to every call."""
        return self.effect is Effect.OTHERS
