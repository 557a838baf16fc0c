"""What the commands about weeks do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from frontends.discord.asking import answer
from frontends.discord.posting import translated
from frontends.discord.project_asking import asker_from
from frontends.discord.project_buttons import start_row
from frontends.discord.project_views import retrospective_text, summary_text, week_text
from services.people.timezones import Timezones
from services.projects.weeks import Weeks

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]


class WeekActing:
    """Runs commands for whoever uses them; raises what the services raise."""

    def __init__(self, weeks: Weeks, timezones: Timezones) -> None:
        self._weeks = weeks
        self._timezones = timezones

    async def start(self, interaction: Interaction) -> None:
        """Show what a week starts with, and a button for a new project."""
        asker = await asker_from(interaction)
        zone = await self._timezones.of(asker.account) or ""
        week = await self._weeks.start(asker, timezone=zone)
        await answer(interaction, week_text(week), private=False, view=start_row())

    async def retro(self, interaction: Interaction) -> None:
        """Look back at the active projects."""
        asker = await asker_from(interaction)
        async with translated():
            await interaction.response.defer()
        zone = await self._timezones.of(asker.account) or ""
        back = await self._weeks.retrospective(asker, timezone=zone)
        await answer(interaction, retrospective_text(back), private=False)

    async def summary(self, interaction: Interaction) -> None:
        """Show what happened within seven days."""
        summary = await self._weeks.summary(await asker_from(interaction))
        await answer(interaction, summary_text(summary), private=False)
