"""Letting the model read ahead, so that its first word comes soon."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from services.conversation.answers import AnswerSource, ModelSource
from services.conversation.choices import Choices
from services.conversation.scenes import Cast, Scenes
from services.domain.errors import AcoreError
from services.domain.ids import ConversationId
from services.domain.messages import HistoryEntry
from services.llm.model import ChatModel, ChatRequest, Priority, PromptMessage
from services.persona.character import Persona

logger = logging.getLogger(__name__)

_REMEMBERED = 64


class Warming:
    """Evaluates what the next prompt will begin with; nothing is generated or stored."""

    def __init__(
        self, *, models: ModelSource, answers: AnswerSource, choices: Choices, scenes: Scenes
    ) -> None:
        self._models = models
        self._answers = answers
        self._choices = choices
        self._scenes = scenes
        self._done: OrderedDict[ConversationId, str] = OrderedDict()

    async def persona(self, persona: Persona) -> bool:
        """Evaluate what every prompt of ``persona`` begins with; False when no model answers."""
        try:
            model = await self._models.get(persona.model.model, fallbacks=persona.model.fallbacks)
            await _evaluate(model, self._answers.beginning(persona, model))
        except AcoreError as error:
            logger.info("warming up failed", extra={"code": error.code})
            return False
        return True

    async def conversation(
        self,
        conversation: ConversationId,
        recent: Callable[[ConversationId], Awaitable[Sequence[HistoryEntry]]],
    ) -> None:
        """Evaluate the persona's prompt and the conversation so far, once per state of it.

        In a scene that is the prompt of whoever spoke last.
        """
        cast = await self._scenes.of(conversation)
        said = await recent(conversation)
        persona = _last_speaker(said, cast) or await self._choices.persona(conversation)
        history = cast.known(said, persona.id)
        cast = cast.seen_by(persona)
        persona = await self._choices.appearing(persona, conversation)
        name = await self._choices.model(conversation) or persona.model.model
        state = f"{persona.version}/{name}/{history[-1].message.id if history else ''}"
        if self._done.get(conversation) == state:
            return
        self._done[conversation] = state
        self._done.move_to_end(conversation)
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        try:
            model = await self._models.get(name, fallbacks=persona.model.fallbacks)
            await _evaluate(model, self._answers.beginning(persona, model, cast=cast))
            if history:
                told = self._answers.beginning(persona, model, history=history, cast=cast)
                await _evaluate(model, told)
        except AcoreError as error:
            self._done.pop(conversation, None)
            logger.info("reading ahead failed", extra={"code": error.code})


def _last_speaker(history: Sequence[HistoryEntry], cast: Cast) -> Persona | None:
    """Return the member of the scene that spoke last, else its first one."""
    members = {one.id: one for one in cast.members}
    for entry in reversed(history):
        speaker = entry.message.author.persona
        if speaker in members:
            return members[speaker]
    return next(iter(cast.members), None)


async def _evaluate(model: ChatModel, messages: Sequence[PromptMessage]) -> None:
    request = ChatRequest(messages=tuple(messages), priority=Priority.PREFILL, prefill=True)
    async with aclosing(model.stream(request)) as events:
        async for _ in events:
            pass
