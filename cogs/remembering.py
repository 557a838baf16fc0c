"""Commands about what is remembered in a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.memory import acting_of
from frontends.discord.asking import answer, asked
from frontends.discord.memory_acting import MemoryActing
from frontends.discord.posting import translated
from frontends.discord.summing_up import SummingUp
from services.domain.people import Role
from services.memory.documents.shelf import DocumentShelf

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]


class RememberingCog(commands.Cog):
    def __init__(
        self,
        *,
        acting: MemoryActing,
        summing_up: SummingUp,
        documents: DocumentShelf,
    ) -> None:
        self._acting = acting
        self._summing_up = summing_up
        self._documents = documents

    @app_commands.command(description="Read what is stored, for how long, where, and your rights.")
    @app_commands.checks.cooldown(10, 30.0)
    async def privacy(self, interaction: Interaction) -> None:
        await self._acting.notice(interaction)

    @app_commands.command(description="Sum up this conversation now.")
    @app_commands.checks.cooldown(2, 60.0)
    @app_commands.default_permissions(manage_messages=True)
    async def summarize_now(self, interaction: Interaction) -> None:
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        await answer(interaction, await self._summing_up.sum_up(who.conversation))

    @app_commands.command(description="Read all documents anew.")
    @app_commands.checks.cooldown(1, 30.0)
    @app_commands.default_permissions(administrator=True)
    async def rag_reload(self, interaction: Interaction) -> None:
        who = await asked(interaction)
        who.need(Role.OWNER)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        done = await self._documents.sync(afresh=True)
        await answer(
            interaction,
            f"Documents: {done.read} read, {done.removed} removed, {done.refused} could not be "
            "read.",
        )


async def setup(bot: AcoreBot) -> None:
    services, acting = bot.services, acting_of(bot)
    await bot.add_cog(
        RememberingCog(
            acting=acting,
            summing_up=SummingUp(services.summaries(), services.conversations()),
            documents=services.documents(),
        )
    )
