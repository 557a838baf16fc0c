"""How a tool is described, permitted and run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from services.domain.ids import ConversationId, PersonaId, TurnId
from services.domain.people import Author, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """For whom and where a tool runs; ``asker`` is ``None`` for a persona's own initiative."""

    conversation: ConversationId
    persona: PersonaId
    turn: TurnId
    asker: Author | None
    role: Role


ToolHandler = Callable[[Any, ToolContext], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool.

    ``description`` is written for the model. ``parameters`` checks the arguments; ``handler`` gets
    the checked model and the context and returns short text for the model, or raises ``Refused``
    with a sentence the model may pass on. It is cancelled after ``timeout`` seconds. With
    ``confirm`` a person must agree before it runs. ``untrusted`` marks results that come from
    outside and are shown to the model as quoted data.
    """

    name: str
    description: str
    parameters: type[BaseModel]
    handler: ToolHandler
    permission: Role = Role.GUEST
    timeout: float = 10.0
    confirm: bool = False
    untrusted: bool = True
