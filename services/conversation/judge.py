"""Asking a model whether a persona should join in."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from services.conversation.answers import ModelSource
from services.domain.messages import Message
from services.llm.model import ChatRequest, Priority, PromptMessage, PromptRole, Sampling
from services.llm.structured import ask_typed
from services.persona.prompts import PromptLibrary

_LINES = 8
_LINE = 300


class _Verdict(BaseModel):
    join: bool


class ModelJudge:
    """Puts one yes-or-no question to the configured model, at background priority."""

    def __init__(self, *, models: ModelSource, prompts: PromptLibrary) -> None:
        self._models = models
        self._prompts = prompts

    async def should_answer(self, message: Message, recent: Sequence[Message], /) -> bool:
        """Return the model's verdict; raises ``ProviderError`` when it gives none."""
        model = await self._models.get()
        lines = [
            f"{said.author.display_name}: {said.text[:_LINE]}"
            for said in [*recent[-_LINES:], message]
        ]
        question = self._prompts.render("conversation/join", lines=lines)
        request = ChatRequest(
            messages=[
                PromptMessage(role=PromptRole.USER, content=question, source="judge"),
            ],
            sampling=Sampling(max_tokens=30, temperature=0.0),
            priority=Priority.BACKGROUND,
            think=False,
        )
        return (await ask_typed(model, request, _Verdict)).join
