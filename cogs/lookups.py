"""Commands for the weather and for currencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.posting import translated
from services.lookups.currency import LONGEST_AMOUNT, CurrencyService
from services.lookups.weather import LONGEST_PLACE, MOST_DAYS, WeatherService

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Place = app_commands.Range[str, 1, LONGEST_PLACE]
Days = app_commands.Range[int, 1, MOST_DAYS]
Amount = app_commands.Range[str, 1, LONGEST_AMOUNT]
Currency = app_commands.Range[str, 1, 20]


class LookupsCog(commands.Cog):
    def __init__(self, *, weather: WeatherService, currency: CurrencyService) -> None:
        self._weather = weather
        self._currency = currency

    @app_commands.command(description="Show the weather of a place, now and in the next days.")
    @app_commands.describe(
        place="A town, such as Lisbon or Paris, Texas.", days="Days of forecast, today included."
    )
    @app_commands.checks.cooldown(5, 60.0)
    async def weather(self, interaction: Interaction, place: Place, days: Days = 3) -> None:
        await asked(interaction)
        async with translated():
            await interaction.response.defer()
        found = await self._weather.weather(place, days=days)
        text = discord.utils.escape_markdown("\n".join(found.lines()))
        await answer(interaction, text, private=False)

    @app_commands.command(description="Convert money by the European Central Bank's rates.")
    @app_commands.rename(source="from", target="to")
    @app_commands.describe(
        amount="How much, such as 12.50.",
        source="Its currency, such as USD.",
        target="The currency you want, such as EUR.",
    )
    @app_commands.checks.cooldown(10, 60.0)
    async def currency(
        self, interaction: Interaction, amount: Amount, source: Currency, target: Currency
    ) -> None:
        await asked(interaction)
        async with translated():
            await interaction.response.defer()
        done = await self._currency.convert(amount, source, target)
        await answer(interaction, done.line(), private=False)


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    await bot.add_cog(LookupsCog(weather=services.weather(), currency=services.currency()))
