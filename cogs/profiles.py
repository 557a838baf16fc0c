"""Commands about what is known of whoever uses them, and how close they are to characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.memory import acting_of
from frontends.discord.choosing import characters_here
from frontends.discord.noting import NoteButton, Noting
from frontends.discord.profile_acting import ProfileActing, ProfileServices
from services.memory.rights.statements import LONGEST_VALUE

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Note = app_commands.Range[str, 1, LONGEST_VALUE]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class ProfilesCog(commands.Cog):
    """Profiles, relationships and notes about others with their consent."""

    def __init__(self, *, acting: ProfileActing, noting: Noting) -> None:
        self._acting = acting
        self._noting = noting

    @app_commands.command(description="See all that characters know of you.")
    @_cooldown
    async def my_profile(self, interaction: Interaction) -> None:
        await self._acting.profile(interaction)

    @app_commands.command(description="See how close a character feels to you.")
    @app_commands.describe(character="Which; the one that answers here without it.")
    @app_commands.autocomplete(character=characters_here)
    @_cooldown
    async def relationship(self, interaction: Interaction, character: str | None = None) -> None:
        await self._acting.relationship(interaction, character)

    @app_commands.command(description="Have a note about somebody remembered, if they agree.")
    @app_commands.describe(user="Whom it is about; they are asked first.", note="What is noted.")
    @app_commands.guild_only()
    @app_commands.checks.cooldown(3, 60.0)
    async def remember(self, interaction: Interaction, user: discord.Member, note: Note) -> None:
        await self._noting.note(interaction, user, note)


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    bot.add_dynamic_items(NoteButton)
    acting = ProfileActing(
        ProfileServices(
            personas=services.user_persona_book(),
            timezones=services.timezones(),
            rights=services.memory_rights(),
            library=services.library(),
            conversations=services.conversations(),
            relationships=services.relationships(),
            proposals=services.proposals(),
        )
    )
    noting = Noting(acting_of(bot), proposals=services.proposals())
    await bot.add_cog(ProfilesCog(acting=acting, noting=noting))
