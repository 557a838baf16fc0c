"""The first steps in a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.welcome_views import (
    ListenButton,
    PrivacyButton,
    WelcomeMenu,
    show_welcome,
    welcome,
)

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class WelcomeCog(commands.Cog, name="First steps"):
    """The first steps in a server."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Say hello in a new server."""
        await welcome(self._bot, guild)

    @app_commands.command(description="Choose who answers here and what is read, step by step.")
    @app_commands.default_permissions(manage_guild=True)
    async def setup(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Show the first steps again."""
        await show_welcome(interaction)


async def setup(bot: AcoreBot) -> None:
    """Add the command, and the buttons of messages sent at any time."""
    bot.add_dynamic_items(WelcomeMenu, ListenButton, PrivacyButton)
    await bot.add_cog(WelcomeCog(bot))
