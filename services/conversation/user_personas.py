"""The personas of people as prompts need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.domain.ids import AuthorId, ConversationId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief
from services.llm.model import PromptRole
from services.people.personas import UserPersonaBook
from services.persona.assembly.material import DescriptionPlace, UserDescription
from services.persona.character import Persona

_MOST_PEOPLE = 20


class UserPersonas(Protocol):
    """Who people are to the characters they talk to."""

    async def of(
        self, account: AuthorId, conversation: ConversationId, persona: Persona
    ) -> tuple[str, UserDescription] | None:
        """Return the name and description that hold here, ``None`` for the account's own name."""
        ...


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


async def people_in(
    personas: UserPersonas,
    brief: TurnBrief,
    persona: Persona,
    history: Sequence[HistoryEntry],
) -> dict[AuthorId, tuple[str, UserDescription]]:
    """Return the personas of the last 20 people who spoke, where they have one here."""
    authors = dict.fromkeys(
        author.id
        for author in (
            *([brief.trigger.author] if brief.trigger else []),
            *(entry.message.author for entry in reversed(history)),
        )
        if author.kind is AuthorKind.HUMAN
    )
    found = {}
    for account in list(authors)[:_MOST_PEOPLE]:
        described = await personas.of(account, brief.conversation, persona)
        if described is not None:
            found[account] = described
    return found
