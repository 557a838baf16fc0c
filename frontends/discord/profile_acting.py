"""What is known of a person, and how close characters feel to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from frontends.discord.asking import answer, arrived
from frontends.discord.me_text import KnownPerson, persona_pages, profile_text
from frontends.discord.memory_acting import requester_of
from frontends.discord.memory_text import fact_block, moment, shown
from frontends.discord.paging import bundled, show_pages
from services.conversation.service import ConversationService
from services.memory.rights.service import MemoryRights
from services.people.personas import UserPersonaBook
from services.people.timezones import Timezones
from services.persona.library import CharacterLibrary
from services.profiles.proposals import Proposals
from services.profiles.relationships import Relationship, Relationships

if TYPE_CHECKING:
    import discord

    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileServices:
    """What these commands call."""

    personas: UserPersonaBook
    timezones: Timezones
    rights: MemoryRights
    library: CharacterLibrary
    conversations: ConversationService
    relationships: Relationships
    proposals: Proposals


class ProfileActing:
    """Shows people what is known of them; nobody else sees it."""

    def __init__(self, services: ProfileServices) -> None:
        self._services = services

    async def profile(self, interaction: Interaction) -> None:
        """Show counts, closeness, personas, facts and what waits for a yes."""
        who = await arrived(interaction)
        requester, services = requester_of(who), self._services
        persona = await services.conversations.persona_of(who.conversation)
        profile = await services.personas.profile(who.author.id)
        known = KnownPerson(
            name=who.author.display_name,
            held=profile.holding(who.conversation, persona.id),
            timezone=await services.timezones.of(who.author.id),
            overview=await services.rights.overview(requester),
        )
        facts = await services.rights.facts(requester)
        waiting = await services.proposals.waiting(by=who.author)
        blocks = [
            profile_text(known, services.library),
            *(["**Personas**"] if profile.personas else []),
            *(persona_pages(profile, services.library) if profile.personas else []),
            *(["**Facts**"] if facts else []),
            *map(fact_block, facts),
            *(["**Waiting for your yes**"] if waiting else []),
            *(f"{one.number}. {shown(one.text)} ({shown(one.by_name)})" for one in waiting),
        ]
        await show_pages(interaction, bundled(blocks))

    async def relationship(self, interaction: Interaction, character: str | None) -> None:
        """Show how a character feels about the person."""
        who = await arrived(interaction)
        services = self._services
        if character is None:
            persona = await services.conversations.persona_of(who.conversation)
        else:
            persona = services.library.find(character)
        found = await services.relationships.of(who.author.id, persona.id)
        await answer(interaction, relationship_text(found, name=persona.name))


def relationship_text(found: Relationship, *, name: str) -> str:
    """Return how a character feels, as a bar with its stage."""
    lines = [f"**{shown(name)}**: {found.stage.value}", f"`{found.bar}` {found.value} of 100"]
    if found.next_at is not None:
        lines.append(f"-# The next stage begins at {found.next_at}.")
    if found.changed_at is not None:
        lines.append(f"-# Last talk: {found.changed:+d}, {moment(found.changed_at)}")
    else:
        lines.append("-# You have not talked yet.")
    return "\n".join(lines)
