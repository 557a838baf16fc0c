"""Having a whole server forgotten."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.posting import translated
from frontends.discord.server_forgetting import confirmation, server_question
from services.domain.people import Role
from services.housekeeping.departures import Departures

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class PrivacyCog(commands.Cog, name="Privacy"):
    """What a server's admins decide about all that is known of it."""

    def __init__(self, departures: Departures) -> None:
        self._departures = departures

    @app_commands.command(description="Have everything of this server forgotten; for its admins.")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def forget_server(self, interaction: discord.Interaction) -> None:
        """Say what would be erased, and ask."""
        who = await asked(interaction)
        who.need(Role.ADMIN)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        where = (who.conversation.platform, who.conversation.scope)
        known = await self._departures.known_of(*where)
        if known.empty:
            await answer(interaction, "Nothing is known of this server.")
            return
        erase = partial(self._departures.forget_now, *where, role=who.role)
        await answer(interaction, server_question(known), view=confirmation(interaction, erase))


async def setup(bot: AcoreBot) -> None:
    """Add the command."""
    await bot.add_cog(PrivacyCog(bot.services.departures()))
