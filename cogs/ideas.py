"""Commands about ideas for projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.idea_acting import IdeaActing
from frontends.discord.project_acting import Numbers
from services.projects.rules import LONGEST_TITLE

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Number = app_commands.Range[int, 1, 999_999_999]
Page = app_commands.Range[int, 1, 100]
Title = app_commands.Range[str, 1, LONGEST_TITLE]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class IdeasCog(commands.GroupCog, group_name="idea", group_description="Ideas for projects."):
    """Ideas that wait for somebody to begin."""

    def __init__(self, *, acting: IdeaActing) -> None:
        self._acting = acting

    @app_commands.command(description="Keep an idea, with some words about it.")
    @_cooldown
    async def add(self, interaction: Interaction) -> None:
        await self._acting.add(interaction)

    @app_commands.command(description="Keep an idea in one line.")
    @app_commands.describe(title="The idea.")
    @_cooldown
    async def quick(self, interaction: Interaction, title: Title) -> None:
        await self._acting.quick(interaction, title)

    @app_commands.command(name="list", description="List the ideas here.")
    @app_commands.describe(page="Page of a long list.")
    @_cooldown
    async def list_ideas(self, interaction: Interaction, page: Page = 1) -> None:
        await self._acting.list(interaction, page)

    @app_commands.command(description="Choose an idea and make a project of it.")
    @app_commands.checks.cooldown(3, 60.0)
    async def pick(self, interaction: Interaction) -> None:
        await self._acting.pick(interaction)

    @app_commands.command(description="See any of the ideas that wait.")
    @_cooldown
    async def random(self, interaction: Interaction) -> None:
        await self._acting.random(interaction)

    @app_commands.command(description="Delete an idea.")
    @app_commands.describe(number="The idea's number.")
    @app_commands.rename(number="id")
    @_cooldown
    async def delete(self, interaction: Interaction, number: Number) -> None:
        await self._acting.delete(interaction, number)

    @delete.autocomplete("number")
    async def ideas_offered(self, interaction: Interaction, typed: str) -> Numbers:
        return await self._acting.offered(interaction, typed)


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(IdeasCog(acting=IdeaActing(bot.services.project_services())))
