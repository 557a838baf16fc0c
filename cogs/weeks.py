"""Commands about weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.week_acting import WeekActing

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]


class WeeksCog(
    commands.GroupCog, group_name="week", group_description="The week and its projects."
):
    """How a week begins and what came of it."""

    def __init__(self, *, acting: WeekActing) -> None:
        self._acting = acting

    @app_commands.command(description="See what is under way and which ideas there are.")
    @app_commands.checks.cooldown(5, 30.0)
    async def start(self, interaction: Interaction) -> None:
        await self._acting.start(interaction)

    @app_commands.command(description="Look back: what is done, what is left, what was learnt.")
    @app_commands.checks.cooldown(2, 60.0)
    async def retro(self, interaction: Interaction) -> None:
        await self._acting.retro(interaction)

    @app_commands.command(description="See what happened within the last seven days.")
    @app_commands.checks.cooldown(5, 30.0)
    async def summary(self, interaction: Interaction) -> None:
        await self._acting.summary(interaction)


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    acting = WeekActing(services.project_services().weeks, services.timezones())
    await bot.add_cog(WeeksCog(acting=acting))
