"""Commands for small games."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.dilemma_acting import DilemmaActing, RatherButton

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Theme = Literal["any", "everyday", "food", "travel", "powers", "fantasy", "technology"]


class GamesCog(commands.Cog):
    """Questions without a right answer."""

    def __init__(self, *, dilemmas: DilemmaActing) -> None:
        self._dilemmas = dilemmas

    @app_commands.command(description="Ask everybody which of two things they would rather.")
    @app_commands.describe(theme="What it is about.")
    @app_commands.checks.cooldown(5, 60.0)
    async def would_you_rather(self, interaction: Interaction, theme: Theme = "any") -> None:
        await self._dilemmas.ask(interaction, theme)


async def setup(bot: AcoreBot) -> None:
    bot.add_dynamic_items(RatherButton)
    await bot.add_cog(GamesCog(dilemmas=DilemmaActing(bot.services.dilemmas())))
