"""Commands for running code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.code_acting import CodeActing

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_MENU = "Run code"


class CodeCog(commands.GroupCog, group_name="code", group_description="Python in a sandbox."):
    """Python in a sandbox."""

    def __init__(self, bot: AcoreBot, *, acting: CodeActing) -> None:
        self._bot = bot
        self._acting = acting
        self._menu = app_commands.ContextMenu(name=_MENU, callback=self.menu)

    async def cog_load(self) -> None:
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command(description="Run Python in a sandbox without files and network.")
    @app_commands.checks.cooldown(5, 60.0)
    async def run(self, interaction: Interaction) -> None:
        await self._acting.ask(interaction, "run")

    @app_commands.command(
        description="Look at Python without running it: errors, names, complexity."
    )
    @app_commands.checks.cooldown(5, 60.0)
    async def check(self, interaction: Interaction) -> None:
        await self._acting.ask(interaction, "check")

    async def menu(self, interaction: Interaction, message: discord.Message) -> None:
        await self._acting.menu(interaction, message)


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(CodeCog(bot, acting=CodeActing(bot.services.code_runner())))
