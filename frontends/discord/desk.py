"""What every answer of the bot is shown with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from frontends.discord.faces import Faces
from frontends.discord.pacing import Pacing
from services.conversation.service import ConversationService
from services.domain.ids import PersonaId
from services.lifecycle import Supervisor
from services.persona.character import Persona
from services.settings import DiscordSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every delivery of the bot works with."""

    settings: DiscordSettings
    faces: Faces
    pacing: Pacing
    conversations: ConversationService
    persona: Callable[[PersonaId], Persona | None]
    read_blob: Callable[[str], Awaitable[bytes]]
    supervisor: Supervisor
