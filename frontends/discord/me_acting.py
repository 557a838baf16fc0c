"""What commands about oneself do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from zoneinfo import available_timezones

import discord

from frontends.discord.asking import Asked, answer, arrived, asked
from frontends.discord.choosing import ranked
from frontends.discord.confirming import Confirmation, close
from frontends.discord.me_text import (
    KnownPerson,
    persona_pages,
    persona_pages_of,
    profile_text,
)
from frontends.discord.memory_acting import Choices, offered, requester_of
from frontends.discord.memory_text import shown
from frontends.discord.paging import show_pages
from services.conversation.service import ConversationService
from services.domain.errors import InvalidRequest, NotFound
from services.memory.rights.service import MemoryRights
from services.people.linking import AccountLinks
from services.people.personas import UserPersonaBook
from services.people.profiles import Binding, PersonaChange
from services.people.timezones import Timezones
from services.persona.library import CharacterLibrary

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Where = Literal["here", "with a character", "always"]

NOBODY = "none"
"""What is typed to be nobody but oneself, or to live in no zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeServices:
    """What these commands call."""

    personas: UserPersonaBook
    links: AccountLinks
    timezones: Timezones
    rights: MemoryRights
    library: CharacterLibrary
    conversations: ConversationService


class MeActing:
    """Shows people who they are to the characters, and changes it; nobody else sees it.

    Raises what the services raise.
    """

    def __init__(self, services: MeServices) -> None:
        self._services = services
        self._personas = services.personas

    async def known(self, interaction: Interaction) -> None:
        """List the personas."""
        who = await asked(interaction)
        profile = await self._personas.profile(who.author.id)
        await show_pages(interaction, persona_pages(profile, self._services.library))

    async def show(self, interaction: Interaction, name: str) -> None:
        """Show one persona whole."""
        who = await asked(interaction)
        profile = await self._personas.profile(who.author.id)
        persona = profile.find(name)
        pages = persona_pages_of(persona, profile, self._services.library)
        await show_pages(interaction, pages)

    async def add(self, interaction: Interaction, name: str, description: str) -> None:
        """Make a persona."""
        who = await arrived(interaction)
        made = await self._personas.add(who.author.id, name, description)
        await answer(interaction, f"{shown(made.name)} is yours; /me use says where you are it.")

    async def edit(
        self, interaction: Interaction, name: str, description: str | None, new_name: str | None
    ) -> None:
        """Change a persona."""
        if description is None and new_name is None:
            raise InvalidRequest("me_edit", "Give a description or a new name.")
        who = await asked(interaction)
        change = PersonaChange(name=new_name, description=description)
        changed = await self._personas.edit(who.author.id, name, change)
        await answer(interaction, f"{shown(changed.name)} is changed.")

    async def delete(self, interaction: Interaction, name: str) -> None:
        """Delete a persona once that is confirmed."""
        who = await asked(interaction)
        persona = (await self._personas.profile(who.author.id)).find(name)

        async def remove(click: discord.Interaction[AcoreBot]) -> None:
            await self._personas.remove(who.author.id, persona.name)
            await close(click, f"{shown(persona.name)} is gone.")

        view = Confirmation(interaction, "Delete", remove)
        await answer(interaction, f"Delete your persona {shown(persona.name)}?", view=view)

    async def use(
        self, interaction: Interaction, name: str, where: Where, character: str | None
    ) -> None:
        """Be a persona somewhere, or oneself again."""
        who = await arrived(interaction)
        binding, place = self._binding(who, where, character)
        if name.strip().lower() == NOBODY:
            await self._personas.release(who.author.id, binding)
            await answer(interaction, f"You are yourself {place}.")
            return
        used = await self._personas.use(who.author.id, name, binding)
        await answer(interaction, f"You are {shown(used.name)} {place}.")

    async def profile(self, interaction: Interaction) -> None:
        """Show what is known of the person."""
        who = await arrived(interaction)
        persona = await self._services.conversations.persona_of(who.conversation)
        profile = await self._personas.profile(who.author.id)
        known = KnownPerson(
            name=who.author.display_name,
            held=profile.holding(who.conversation, persona.id),
            timezone=await self._services.timezones.of(who.author.id),
            overview=await self._services.rights.overview(requester_of(who)),
        )
        await answer(interaction, profile_text(known, self._services.library))

    async def timezone(self, interaction: Interaction, zone: str | None) -> None:
        """Choose, forget or show the zone that times are told in."""
        who = await arrived(interaction)
        zones, account = self._services.timezones, who.author.id
        if zone is not None and zone.strip().lower() == NOBODY:
            await zones.clear(account)
        elif zone is not None:
            await zones.choose(account, zone)
        held = await zones.of(account)
        await answer(
            interaction,
            f"Times are told to you in {held}." if held else "You have chosen no time zone.",
        )

    # -- linking accounts

    async def link(self, interaction: Interaction, code: str | None) -> None:
        """Show a code, or enter one that another account of the person shows."""
        who = await arrived(interaction)
        links = self._services.links
        if code is not None:
            claim = await links.claim(code, who.author.id)
            await answer(
                interaction,
                f"That is the code of {shown(claim.name)} ({claim.account.platform}); confirm it "
                "there now.",
            )
            return
        made = await links.begin(who.author.id)
        until = discord.utils.format_dt(made.expires_at, "t")
        await answer(
            interaction,
            f"Your code is `{made.code}`; it holds until {until}. Enter it at your other account, "
            "then use /me link-confirm here. Show it to nobody.",
        )

    async def link_confirm(self, interaction: Interaction) -> None:
        """Ask whether the account that entered the code is the person's own."""
        who = await arrived(interaction)
        links, account = self._services.links, who.author.id
        claim = await links.claimed(account)
        if claim is None:
            raise NotFound("link_unclaimed", "No account has entered your code yet.")

        async def confirm(click: discord.Interaction[AcoreBot]) -> None:
            await links.confirm(account, claim.account)
            await close(click, f"{shown(claim.name)} and this account are one person now.")

        view = Confirmation(
            interaction, "That is me", confirm, declined=lambda: links.cancel(account)
        )
        await answer(
            interaction,
            f"{shown(claim.name)} ({claim.account.platform}) entered your code. If that is you, "
            "both accounts become one person, with one memory.",
            view=view,
        )

    # -- while typing

    async def names(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the person's personas."""
        return await offered(self._names, interaction, typed)

    async def names_or_nobody(self, interaction: Interaction, typed: str) -> Choices:
        """Offer the person's personas, and being none of them."""
        found = await self.names(interaction, typed)
        return [*found[:24], *ranked(typed, [("none: be yourself", NOBODY)])]

    async def zones(self, typed: str) -> Choices:
        """Offer zones by name."""
        names = sorted(await asyncio.to_thread(available_timezones))
        return ranked(typed.replace(" ", "_"), ((name, name) for name in [*names, NOBODY]))

    async def _names(self, interaction: Interaction, typed: str) -> Choices:
        who = await asked(interaction)
        profile = await self._personas.profile(who.author.id)
        return ranked(typed, ((one.name, one.name) for one in profile.personas))

    # -- ground

    def _binding(
        self, who: Asked, where: Where, character: str | None
    ) -> tuple[Binding | None, str]:
        if where == "always":
            return None, "wherever nothing else was chosen"
        if where == "here":
            return Binding.here(who.conversation), "here"
        if character is None:
            raise InvalidRequest("me_character", "Say with which character.")
        persona = self._services.library.find(character)
        return Binding.with_character(persona.id), f"with {shown(persona.name)}"
