"""The personas of people as prompts need them."""

from __future__ import annotations

from services.domain.ids import AuthorId, ConversationId
from services.llm.model import PromptRole
from services.people.personas import UserPersonaBook
from services.persona.assembly.material import DescriptionPlace, UserDescription
from services.persona.character import Persona


class DescribedUsers:
    """Answers who somebody is from the personas they have noted; see ``UserPersonas``."""

    def __init__(self, book: UserPersonaBook) -> None:
        self._book = book

    async def of(
        self, account: AuthorId, conversation: ConversationId, persona: Persona
    ) -> tuple[str, UserDescription] | None:
        """Return the name and description that hold here, ``None`` for the account's own name."""
        held = await self._book.holding(account, conversation=conversation, persona=persona.id)
        if held is None:
            return None
        return held.name, UserDescription(
            text=held.description,
            place=DescriptionPlace(held.place.value),
            depth=held.depth,
            role=PromptRole(held.role.value),
        )
