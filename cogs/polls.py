"""Commands for polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.poll_acting import PollActing, VoteButton
from services.lists.values import LONGEST_QUESTION

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Number = app_commands.Range[int, 1, 2**31 - 1]
_NUMBER = "The poll's number."


class PollsCog(commands.GroupCog, group_name="poll", group_description="Questions to everybody."):
    """Questions to everybody, answered by buttons."""

    def __init__(self, *, acting: PollActing) -> None:
        self._acting = acting

    @app_commands.command(description="Ask everybody here.")
    @app_commands.describe(
        question="What you would like to know.",
        options="What can be chosen, with commas between.",
        several="Whether each may choose more than one option.",
    )
    @app_commands.checks.cooldown(3, 60.0)
    async def ask(
        self,
        interaction: Interaction,
        question: app_commands.Range[str, 1, LONGEST_QUESTION],
        options: app_commands.Range[str, 1, 1000],
        several: bool = False,  # noqa: FBT001  an option of the command
    ) -> None:
        await self._acting.ask(interaction, question, options, several=several)

    @app_commands.command(description="Show a poll, to vote or to see how it stands.")
    @app_commands.describe(number=_NUMBER)
    @app_commands.checks.cooldown(10, 30.0)
    async def show(self, interaction: Interaction, number: Number) -> None:
        await self._acting.show(interaction, number)

    @app_commands.command(description="Close a poll, so that nobody can vote any more.")
    @app_commands.describe(number=_NUMBER)
    @app_commands.checks.cooldown(10, 30.0)
    async def close(self, interaction: Interaction, number: Number) -> None:
        await self._acting.close(interaction, number)

    @app_commands.command(name="list", description="List the polls of this place.")
    @app_commands.checks.cooldown(10, 30.0)
    async def listed(self, interaction: Interaction) -> None:
        await self._acting.listed(interaction)


async def setup(bot: AcoreBot) -> None:
    bot.add_dynamic_items(VoteButton)
    await bot.add_cog(PollsCog(acting=PollActing(bot.services.polls())))
