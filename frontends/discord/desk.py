"""What every answer of the bot is shown with."""

from __future__ import annotations

import asyncio
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


@dataclass(frozen=True, slots=True)
class Writing:
    """An answer that is being written; ``over`` is set once all of it is posted and noted."""

    turn: TurnId
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every delivery of the bot works with.

    ``speaking`` holds who asked for each answer that is being written, ``writing`` the answer
    itself, and ``showing`` whose messages those of it are.
    """

    settings: DiscordSettings
    faces: FaceSource
    pacing: Pacing
    conversations: ConversationService
    persona: Callable[[PersonaId], Persona | None]
    read_blob: Callable[[str], Awaitable[bytes]]
    supervisor: Supervisor
    speaking: dict[ConversationId, AuthorId] = field(default_factory=dict)
    writing: dict[ConversationId, Writing] = field(default_factory=dict)
    showing: dict[int, PersonaId] = field(default_factory=dict)
