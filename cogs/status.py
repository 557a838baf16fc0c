"""Commands for how the bot is doing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.figures import figure_blocks
from frontends.discord.paging import bundled, show_pages
from frontends.discord.posting import translated
from frontends.discord.status_views import ping_text, status_text, trouble_blocks
from services.domain.clock import Clock
from services.domain.people import Role
from services.observability.log_reading import LogReader
from services.observability.metrics import Metrics

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_NO_FILE = "The log goes to standard error here, so there is no file to read."
_TROUBLES = 30
_LONGEST_SHOWN = 1800


class StatusCog(commands.Cog, name="Status"):
    """How the bot is doing."""

    def __init__(self, *, clock: Clock, metrics: Metrics, log: LogReader) -> None:
        self._clock = clock
        self._metrics = metrics
        self._log = log

    @app_commands.command(description="Measure how far Discord is away.")
    async def ping(self, interaction: discord.Interaction) -> None:
        """Measure the latencies."""
        began = self._clock.monotonic()
        async with translated():
            await interaction.response.defer(ephemeral=True)
        rest = self._clock.monotonic() - began
        await answer(interaction, ping_text(gateway=interaction.client.latency, rest=rest))

    @app_commands.command(description="Show how the bot is doing and what it lacks here.")
    @app_commands.checks.cooldown(3, 15.0)
    async def status(self, interaction: discord.Interaction) -> None:
        """Show what everybody may know."""
        who = await asked(interaction)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        await answer(interaction, await status_text(interaction, who))

    @app_commands.command(description="Show the numbers since the bot was started.")
    async def metrics(self, interaction: discord.Interaction) -> None:
        """Show counts and timings."""
        await asked(interaction)
        await show_pages(interaction, bundled(figure_blocks(self._metrics)))

    @app_commands.command(description="Show the last warnings and errors, without what was said.")
    @app_commands.default_permissions(manage_guild=True)
    async def errors(self, interaction: discord.Interaction) -> None:
        """Show what went wrong lately."""
        who = await asked(interaction)
        who.need(Role.OWNER if who.place.private else Role.ADMIN)
        found = trouble_blocks(await self._log.troubles(_TROUBLES))
        nothing = "No warnings and no errors." if self._log.kept else _NO_FILE
        await show_pages(interaction, bundled(found) or [nothing])

    @app_commands.command(description="Show the end of the log; for owners of the bot.")
    @app_commands.describe(lines="How many lines.")
    @app_commands.default_permissions(administrator=True)
    async def logs(
        self, interaction: discord.Interaction, lines: app_commands.Range[int, 1, 1000] = 50
    ) -> None:
        """Show the end of the log, as a file when it is long."""
        who = await asked(interaction)
        who.need(Role.OWNER)
        text = "\n".join(await self._log.tail(lines)) if self._log.kept else _NO_FILE
        if len(text) <= _LONGEST_SHOWN:
            await answer(interaction, f"```\n{text.replace('```', '` ` `') or 'empty'}\n```")
            return
        file = discord.File(io.BytesIO(text.encode()), filename="log.txt")
        await answer(interaction, "The end of the log:", files=[file])


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    services = bot.services
    await bot.add_cog(
        StatusCog(
            clock=services.clock(),
            metrics=services.metrics(),
            log=LogReader.of(services.settings()),
        )
    )
