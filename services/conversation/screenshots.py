"""Help with a game, by a picture of where somebody is stuck."""

from __future__ import annotations

from services.conversation.pictures import ModelSource, Pictures
from services.conversation.service import ConversationService
from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId
from services.persona.prompts import PromptLibrary

LONGEST_QUESTION = 1000
"""Characters a question may have."""


class GameHelp:
    """Puts a screenshot into words that a character can be asked."""

    def __init__(
        self,
        pictures: Pictures,
        *,
        models: ModelSource,
        conversations: ConversationService,
        prompts: PromptLibrary,
    ) -> None:
        self._pictures = pictures
        self._models = models
        self._conversations = conversations
        self._prompts = prompts

    async def question(self, screenshot: bytes, asked: str, *, place: ConversationId) -> str:
        """Return what to say along with the screenshot.

        Raises ``InvalidRequest`` with a sentence when it is no picture, nobody could see it here,
        or the question is too long, and ``ProviderError`` when no model can be reached.
        """
        if len(asked) > LONGEST_QUESTION:
            raise InvalidRequest(
                "question_long", f"A question may have {LONGEST_QUESTION} characters at most."
            )
        name = await self._conversations.model_of(place)
        if name is None:
            name = (await self._conversations.persona_of(place)).model.model
        model = await self._models.get(name)
        await self._pictures.check(screenshot, info=model.info)
        return self._prompts.render("conversation/game_help", question=" ".join(asked.split()))
