"""Which tools an answer may use: what is permitted here, and fits what was said."""

from __future__ import annotations

from collections.abc import Sequence

from services.conversation.tool_rules import allowed
from services.conversation.turn import Turn
from services.domain.people import AuthorKind
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
        permitted = [
            tool for tool in self._toolbox.all() if _named(tool, turn.persona) and _may(tool, turn)
        ]
        if turn.persona.tools is not None and len(permitted) <= most:
            return permitted
        said = "\n".join(message.text for message in turn.brief.burst) or turn.brief.instruction
        return self._selection.fitting(permitted, said or "", earlier=_before(turn), most=most)


def _named(tool: ToolSpec, persona: Persona) -> bool:
    return persona.tools is None or tool.name in persona.tools or tool.area in persona.tools


def _may(tool: ToolSpec, turn: Turn) -> bool:
    asker = None if turn.asker is None else turn.asker.id
    return (
        turn.role >= tool.permission
        and (tool.effect is Effect.READ or turn.brief.kind is not TurnKind.INITIATIVE)
        and allowed(turn.tool_rules, tool, persona=turn.persona.id, asker=asker)
    )


def _before(turn: Turn) -> str:
    """Return what people said last before what is answered."""
    answered = {message.id for message in turn.brief.burst}
    for entry in reversed(turn.history):
        message = entry.message
        if message.author.kind is AuthorKind.HUMAN and message.id not in answered:
            return message.text
    return ""
