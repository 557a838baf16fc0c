"""Asking a model whether a persona should join in."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.messages import Message
from services.llm.thinking import Thinking, Urgency
from services.persona.prompts import PromptLibrary

_LINES = 8
_LINE = 300
_SECONDS = 30.0


class ModelJudge:
    """Puts one yes-or-no question to the thinking model, when its server is idle."""

    def __init__(self, *, prompts: PromptLibrary, thinking: Thinking) -> None:
        self._prompts = prompts
        self._thinking = thinking

    async def should_answer(self, message: Message, recent: Sequence[Message], /) -> bool:
        """Return the model's verdict; without one within 30 seconds it is no."""
        lines = [
            " ".join(f"{said.author.display_name}: {said.text[:_LINE]}".split())
            for said in [*recent[-_LINES:], message]
        ]
        place = message.conversation
        joins = await self._thinking.yes_no(
            self._prompts.render("thinking/join"),
            "\n".join(lines),
            urgency=Urgency(tenant=f"{place.platform}:{place.scope}", seconds=_SECONDS),
        )
        return joins is True
