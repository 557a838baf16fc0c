"""Commands about who somebody is to the characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.choosing import characters_here
from frontends.discord.me_acting import MeActing, MeServices, Where
from frontends.discord.memory_acting import Choices
from services.people.profiles import LONGEST_NAME

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Name = app_commands.Range[str, 1, LONGEST_NAME]
Description = app_commands.Range[str, 1, 6000]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class MeCog(commands.GroupCog, group_name="me", group_description="Who you are to the characters."):
    """Personas of people, their zones and their accounts."""

    def __init__(self, *, acting: MeActing) -> None:
        self._acting = acting

    @app_commands.command(name="list", description="List your personas.")
    @_cooldown
    async def known(self, interaction: Interaction) -> None:
        await self._acting.known(interaction)

    @app_commands.command(description="Show one of your personas.")
    @app_commands.describe(name="The persona.")
    @_cooldown
    async def show(self, interaction: Interaction, name: str) -> None:
        await self._acting.show(interaction, name)

    @app_commands.command(description="Make a persona, somebody you are to the characters.")
    @app_commands.describe(name="What you are called.", description="Who you are.")
    @_cooldown
    async def add(
        self, interaction: Interaction, name: Name, description: Description = ""
    ) -> None:
        await self._acting.add(interaction, name, description)

    @app_commands.command(description="Change one of your personas.")
    @app_commands.describe(
        name="The persona.", description="Who you are now.", new_name="What you are called now."
    )
    @_cooldown
    async def edit(
        self,
        interaction: Interaction,
        name: str,
        description: Description | None = None,
        new_name: Name | None = None,
    ) -> None:
        await self._acting.edit(interaction, name, description, new_name)

    @app_commands.command(description="Delete one of your personas.")
    @app_commands.describe(name="The persona.")
    @_cooldown
    async def delete(self, interaction: Interaction, name: str) -> None:
        await self._acting.delete(interaction, name)

    @app_commands.command(description="Be one of your personas here, with a character, or always.")
    @app_commands.describe(
        name="The persona, or none to be yourself.",
        where="Where you are it.",
        character="With whom, if it is for one character.",
    )
    @app_commands.autocomplete(character=characters_here)
    @_cooldown
    async def use(
        self,
        interaction: Interaction,
        name: str,
        where: Where = "here",
        character: str | None = None,
    ) -> None:
        await self._acting.use(interaction, name, where, character)

    @app_commands.command(description="See what is known of you, and how close characters feel.")
    @_cooldown
    async def profile(self, interaction: Interaction) -> None:
        await self._acting.profile(interaction)

    @app_commands.command(description="Choose the time zone that times are told to you in.")
    @app_commands.describe(zone="Such as Europe/Berlin; none forgets it, leaving it out shows it.")
    @_cooldown
    async def timezone(self, interaction: Interaction, zone: str | None = None) -> None:
        await self._acting.timezone(interaction, zone)

    @app_commands.command(description="Make this and another account of yours one person.")
    @app_commands.describe(code="The code your other account shows; without one you get a code.")
    @app_commands.checks.cooldown(5, 60.0)
    async def link(self, interaction: Interaction, code: str | None = None) -> None:
        await self._acting.link(interaction, code)

    @app_commands.command(name="link-confirm", description="Confirm who has entered your code.")
    @_cooldown
    async def link_confirm(self, interaction: Interaction) -> None:
        await self._acting.link_confirm(interaction)

    @show.autocomplete("name")
    @edit.autocomplete("name")
    @delete.autocomplete("name")
    async def names(self, interaction: Interaction, typed: str) -> Choices:
        return await self._acting.names(interaction, typed)

    @use.autocomplete("name")
    async def names_or_nobody(self, interaction: Interaction, typed: str) -> Choices:
        return await self._acting.names_or_nobody(interaction, typed)

    @timezone.autocomplete("zone")
    async def zones(self, _interaction: Interaction, typed: str) -> Choices:
        return await self._acting.zones(typed)


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    acting = MeActing(
        MeServices(
            personas=services.user_persona_book(),
            links=services.account_links(),
            timezones=services.timezones(),
            rights=services.memory_rights(),
            library=services.library(),
            conversations=services.conversations(),
        )
    )
    await bot.add_cog(MeCog(acting=acting))
