"""Commands for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import asked
from frontends.discord.image_acting import help_with_game, make_picture
from services.conversation.screenshots import LONGEST_QUESTION, GameHelp
from services.images.service import LONGEST_PROMPT, ImageService

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Prompt = app_commands.Range[str, 3, LONGEST_PROMPT]
Question = app_commands.Range[str, 1, LONGEST_QUESTION]


class ImagesCog(commands.Cog, name="Pictures"):
    """Making pictures, and help with what is on one."""

    def __init__(self, *, images: ImageService, game_help: GameHelp) -> None:
        self._images = images
        self._game_help = game_help

    @app_commands.command(description="Have a picture made.")
    @app_commands.describe(prompt="What it shows.", start="A picture to go on from.")
    @app_commands.checks.cooldown(2, 60.0)
    async def imagine(
        self, interaction: Interaction, prompt: Prompt, start: discord.Attachment | None = None
    ) -> None:
        """Have a picture made."""
        await make_picture(interaction, await asked(interaction), self._images, prompt, start)

    @app_commands.command(description="Ask for help with a game by a screenshot.")
    @app_commands.describe(
        screenshot="A picture of where you are.", question="What you would like to know."
    )
    @app_commands.checks.cooldown(3, 60.0)
    async def gamehelp(
        self,
        interaction: Interaction,
        screenshot: discord.Attachment,
        question: Question | None = None,
    ) -> None:
        """Have the character look at a screenshot."""
        who = await asked(interaction)
        await help_with_game(interaction, who, self._game_help, screenshot, question or "")


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    services = bot.services
    await bot.add_cog(ImagesCog(images=services.images(), game_help=services.game_help()))
