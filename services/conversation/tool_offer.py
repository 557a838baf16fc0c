"""Which tools an answer may use: what is permitted here, and fits what was said."""

from __future__ import annotations

from collections.abc import Sequence

from services.conversation.tool_rules import ToolRule, allowed
from services.conversation.turn import Turn
from services.domain.ids import AuthorId
from services.domain.people import AuthorKind, Role
from services.domain.replies import TurnKind
from services.persona.character import Persona
from services.toolbox.selection import ToolSelection
from services.toolbox.spec import Effect, ToolSpec
from services.toolbox.toolbox import Toolbox


class ToolOffer:
    """Chooses the tools of a turn.

    Where a card names a few tools they are all offered. Otherwise those that the message calls for
    are, ``most`` at the most, so that small talk offers none and leaves the prompt as it was. A
    character that speaks unasked changes nothing.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._selection = ToolSelection()

    def of(self, turn: Turn, *, most: int) -> Sequence[ToolSpec]:
        """Return the tools that ``turn`` may use, those that fit best first."""
        usable = [tool for tool in self._toolbox.all() if _may(tool, turn)]
        if turn.persona.tools is not None and len(usable) <= most:
            return usable
        said = "\n".join(message.text for message in turn.brief.burst) or turn.brief.instruction
        return self._selection.fitting(usable, said or "", earlier=_before(turn), most=most)


def permitted(
    tool: ToolSpec,
    persona: Persona,
    *,
    asker: AuthorId | None,
    role: Role,
    rules: Sequence[Sequence[ToolRule]],
) -> bool:
    """Tell whether ``persona`` may use ``tool`` for ``asker``; ``rules`` are those of the place."""
    named = persona.tools is None or tool.name in persona.tools or tool.area in persona.tools
    return (
        named and role >= tool.permission and allowed(rules, tool, persona=persona.id, asker=asker)
    )


def _may(tool: ToolSpec, turn: Turn) -> bool:
    asker = None if turn.asker is None else turn.asker.id
    return (tool.effect is Effect.READ or turn.brief.kind is not TurnKind.INITIATIVE) and permitted(
        tool, turn.persona, asker=asker, role=turn.role, rules=turn.tool_rules
    )


def _before(turn: Turn) -> str:
    """Return what people said last before what is answered."""
    answered = {message.id for message in turn.brief.burst}
    for entry in reversed(turn.history):
        message = entry.message
        if message.author.kind is AuthorKind.HUMAN and message.id not in answered:
            return message.text
    return ""
