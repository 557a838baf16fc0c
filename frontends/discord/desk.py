"""What every answer of the bot is shown with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from frontends.discord.pacing import Pacing
from frontends.discord.places import Place
from frontends.discord.posting import Face
from services.conversation.service import ConversationService
from services.domain.ids import AuthorId, ConversationId, PersonaId, TurnId
from services.lifecycle import Supervisor
from services.persona.character import Persona
from services.settings import DiscordSettings


class FaceSource(Protocol):
    """Says who speaks for a character."""

    async def of(self, place: Place, persona: Persona | None, name: str, /) -> Face:
        """Return who speaks for ``persona``, called ``name``, in a place."""
        ...

    def forget(self, place: Place, /) -> None:
        """Look anew at a place whose webhook is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every delivery of the bot works with.

    ``speaking`` holds who asked for each answer that is being written, ``writing`` its turn, and
    ``showing`` whose messages they are.
    """

    settings: DiscordSettings
    faces: FaceSource
    pacing: Pacing
    conversations: ConversationService
    persona: Callable[[PersonaId], Persona | None]
    read_blob: Callable[[str], Awaitable[bytes]]
    supervisor: Supervisor
    speaking: dict[ConversationId, AuthorId] = field(default_factory=dict)
    writing: dict[ConversationId, TurnId] = field(default_factory=dict)
    showing: dict[int, PersonaId] = field(default_factory=dict)
