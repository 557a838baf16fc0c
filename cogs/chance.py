"""Commands that roll, choose, calculate and convert."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from services.toolbox.basics import chance
from services.toolbox.basics.arithmetic import LONGEST_EXPRESSION, calculate
from services.toolbox.basics.units import convert

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_cooldown = app_commands.checks.cooldown(10, 30.0)
Expression = app_commands.Range[str, 1, LONGEST_EXPRESSION]


class ChanceCog(commands.Cog, name="Chance"):
    """Dice, choices, arithmetic and units."""

    def __init__(self, *, rng: random.Random) -> None:
        self._rng = rng

    @app_commands.command(description="Roll dice, such as 2d6+3.")
    @app_commands.describe(dice="Such as 2d6+3; one die with six sides if left out.")
    @_cooldown
    async def roll(self, interaction: discord.Interaction, dice: str = "1d6") -> None:
        """Roll dice."""
        await asked(interaction)
        await answer(interaction, f"🎲 {chance.roll(dice, self._rng)}", private=False)

    @app_commands.command(description="Have one of several things chosen.")
    @app_commands.describe(options="What to choose from, with commas between.")
    @_cooldown
    async def choose(
        self, interaction: discord.Interaction, options: app_commands.Range[str, 1, 1500]
    ) -> None:
        """Choose one of several things."""
        await asked(interaction)
        chosen = chance.choose(chance.options_in(options), self._rng)
        await answer(interaction, discord.utils.escape_markdown(chosen), private=False)

    @app_commands.command(description="Work out arithmetic.")
    @app_commands.describe(expression="Such as (3 + 4) * 2^3.")
    @_cooldown
    async def calculate(self, interaction: discord.Interaction, expression: Expression) -> None:
        """Work out arithmetic."""
        await asked(interaction)
        shown = discord.utils.escape_markdown(f"{expression} = {calculate(expression)}")
        await answer(interaction, shown, private=False)

    @app_commands.command(description="Convert an amount into another unit.")
    @app_commands.describe(amount="How much.", unit="Such as km, lb or °C.", into="Such as mile.")
    @_cooldown
    async def convert(
        self, interaction: discord.Interaction, amount: float, unit: str, into: str
    ) -> None:
        """Convert an amount."""
        await asked(interaction)
        await answer(
            interaction, await asyncio.to_thread(convert, amount, unit, into), private=False
        )


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(ChanceCog(rng=bot.services.rng()))
