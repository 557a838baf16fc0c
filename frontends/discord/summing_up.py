"""Summing up a conversation when somebody asks for it."""

from __future__ import annotations

from frontends.discord.memory_text import shown
from services.conversation.service import ConversationService
from services.domain.ids import ConversationId
from services.memory.summaries.service import Summaries

_LEAST = 2
_LONGEST = 1500


class SummingUp:
    """Has everything said so far summed up, for the character that answers there."""

    def __init__(self, summaries: Summaries, conversations: ConversationService) -> None:
        self._summaries = summaries
        self._conversations = conversations

    async def sum_up(self, conversation: ConversationId) -> str:
        """Return how it went and the newest summary. Raises ``ProviderError``."""
        persona = await self._conversations.persona_of(conversation)
        made = await self._summaries.summarise(conversation, persona.id, kept=0, least=_LEAST)
        newest = await self._summaries.recall(conversation, persona.id, newest=1)
        head = (
            f"Summed up; {shown(persona.name)} keeps this in mind:"
            if made
            else "Nothing new was said since this summary:"
        )
        if not newest:
            return "Too little was said here to be summed up."
        return f"{head}\n>>> {shown(newest[-1].text, longest=_LONGEST)}"
