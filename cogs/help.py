"""The command that explains the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer
from frontends.discord.choosing import ranked
from frontends.discord.command_help import CommandHelp
from frontends.discord.paging import show_pages

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class HelpCog(commands.Cog, name="Help"):
    """What can be asked of the bot."""

    def __init__(self, *, about: CommandHelp) -> None:
        self._about = about

    @app_commands.command(
        name="help", description="Show what you can use here, or what one command takes."
    )
    @app_commands.describe(command="A command to explain.")
    async def explain(self, interaction: discord.Interaction, command: str | None = None) -> None:
        """List the commands, or explain one."""
        if command is not None:
            await answer(interaction, await self._about.one(interaction, command))
            return
        await show_pages(interaction, await self._about.pages(interaction))

    @explain.autocomplete("command")
    async def _commands(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        names = self._about.names(interaction)
        return ranked(typed.lstrip("/"), [(f"/{name}", name) for name in names])


async def setup(bot: AcoreBot) -> None:
    """Add the command."""
    await bot.add_cog(HelpCog(about=CommandHelp(bot.tree)))
