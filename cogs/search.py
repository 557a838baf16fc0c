"""Commands for looking things up on the web."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.posting import translated
from frontends.discord.search_views import answer_text, links_to, results_text
from services.domain.ids import ConversationId
from services.search.service import LONGEST_QUESTION, SearchService

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Question = app_commands.Range[str, 1, LONGEST_QUESTION]


class SearchCog(commands.Cog):
    def __init__(self, *, search: SearchService) -> None:
        self._search = search

    @app_commands.command(description="Have a question answered from the web, with its sources.")
    @app_commands.describe(question="What you would like to know.")
    @app_commands.checks.cooldown(3, 60.0)
    async def ask(self, interaction: Interaction, question: Question) -> None:
        who = await asked(interaction)
        async with translated():
            await interaction.response.defer()
        found = await self._search.ask(question, tenant=_tenant(who.conversation))
        links = links_to(found.sources)
        await answer(interaction, answer_text(found), private=False, view=links)

    @app_commands.command(description="Search the web.")
    @app_commands.describe(query="What to look for.")
    @app_commands.checks.cooldown(5, 60.0)
    async def search(self, interaction: Interaction, query: Question) -> None:
        await asked(interaction)
        async with translated():
            await interaction.response.defer()
        found = await self._search.search(query)
        text = results_text(found) or "Nothing was found."
        await answer(interaction, text, private=False, view=links_to(found))


def _tenant(place: ConversationId) -> str:
    return f"{place.platform}:{place.scope}"


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(SearchCog(search=bot.services.search()))
