"""Commands for stories that are written in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.story_acting import Rules, StoryActing
from services.games.story import LONGEST_PART, LONGEST_TITLE, LONGEST_TURN, MOST_EVERY

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Number = app_commands.Range[int, 1, 2**31 - 1]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class StoriesCog(commands.GroupCog, group_name="story", group_description="Stories in turns."):
    """Stories that people and a character write in turns."""

    def __init__(self, *, acting: StoryActing) -> None:
        self._acting = acting

    @app_commands.command(description="Start a story that is written in turns here.")
    @app_commands.describe(
        title="What it is called.",
        every="After how many parts the character goes on; 0 is never.",
        minutes="How many minutes somebody may take for a turn.",
    )
    @app_commands.checks.cooldown(3, 60.0)
    async def start(
        self,
        interaction: Interaction,
        title: app_commands.Range[str, 1, LONGEST_TITLE],
        every: app_commands.Range[int, 0, MOST_EVERY] = 4,
        minutes: app_commands.Range[int, 1, LONGEST_TURN] = 60,
    ) -> None:
        await self._acting.start(interaction, title, Rules(every=every, minutes=minutes))

    @app_commands.command(description="Take turns in the story here.")
    @_cooldown
    async def join(self, interaction: Interaction) -> None:
        await self._acting.join(interaction)

    @app_commands.command(description="Write how the story here goes on.")
    @app_commands.describe(text="How it goes on.")
    @_cooldown
    async def add(
        self, interaction: Interaction, text: app_commands.Range[str, 1, LONGEST_PART]
    ) -> None:
        await self._acting.add(interaction, text)

    @app_commands.command(description="Pass the turn in the story here on.")
    @_cooldown
    async def skip(self, interaction: Interaction) -> None:
        await self._acting.skip(interaction)

    @app_commands.command(description="End the story here.")
    @_cooldown
    async def end(self, interaction: Interaction) -> None:
        await self._acting.end(interaction)

    @app_commands.command(description="Show the newest parts of a story.")
    @app_commands.describe(number="Which story; the one written here without it.")
    @_cooldown
    async def show(self, interaction: Interaction, number: Number | None = None) -> None:
        await self._acting.show(interaction, number)

    @app_commands.command(name="list", description="List the stories of this place.")
    @_cooldown
    async def listed(self, interaction: Interaction) -> None:
        await self._acting.listed(interaction)

    @app_commands.command(description="Get a whole story as a file.")
    @app_commands.describe(number="Which story; the one written here without it.")
    @app_commands.checks.cooldown(3, 60.0)
    async def export(self, interaction: Interaction, number: Number | None = None) -> None:
        await self._acting.export(interaction, number)


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    await bot.add_cog(StoriesCog(acting=StoryActing(services.stories(), services.conversations())))
