"""Commands for which language model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.choosing import ranked
from frontends.discord.model_names import ModelNames, model_names
from frontends.discord.model_views import ModelViews
from frontends.discord.paging import bundled, show_pages
from frontends.discord.posting import translated
from frontends.discord.pulling import Pulling
from services.conversation.service import ConversationService
from services.domain.people import Role

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

Name = app_commands.Range[str, 1, 200]


class ModelCog(commands.Cog, name="Models"):
    """Which language model answers."""

    model = app_commands.Group(name="model", description="The language model that answers.")

    def __init__(
        self,
        *,
        conversations: ConversationService,
        views: ModelViews,
        names: ModelNames,
        pulling: Pulling,
    ) -> None:
        self._conversations = conversations
        self._views = views
        self._names = names
        self._pulling = pulling

    @model.command(name="show", description="Show which model answers here.")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the model."""
        who = await asked(interaction)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        chosen = await self._conversations.model_of(who.conversation)
        await answer(interaction, await self._views.shown(chosen))

    @model.command(name="set", description="Let another model answer here.")
    @app_commands.describe(name="A model that is there, as name or name@endpoint.")
    async def set_model(self, interaction: discord.Interaction, name: Name) -> None:
        """Choose a model that answers."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        ready = await self._views.ready(name)
        await self._conversations.choose_model(
            who.conversation, name.strip(), by=who.author, role=who.here
        )
        await answer(interaction, f"From now on {ready} answers here.")

    @set_model.autocomplete("name")
    async def _offered(
        self, _interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return ranked(typed, [(name, name) for name in await self._names.offered()])

    @model.command(name="reset", description="Go back to the configured model.")
    async def reset(self, interaction: discord.Interaction) -> None:
        """Forget the choice."""
        who = await asked(interaction)
        await self._conversations.choose_model(who.conversation, None, by=who.author, role=who.here)
        await answer(interaction, "The configured model answers here again.")

    @model.command(name="list", description="List the models that are there.")
    @app_commands.checks.cooldown(3, 30.0)
    async def list_models(self, interaction: discord.Interaction) -> None:
        """List what the servers have."""
        await asked(interaction)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        await show_pages(interaction, bundled(await self._views.listed()))

    @model.command(name="pull", description="Fetch a model to the model server; for owners.")
    @app_commands.describe(name="Its name in the library of the server.")
    async def pull(self, interaction: discord.Interaction, name: Name) -> None:
        """Fetch a model."""
        who = await asked(interaction)
        who.need(Role.OWNER)
        await self._pulling.begin(interaction, name.strip())


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    services = bot.services
    models = services.models()
    await bot.add_cog(
        ModelCog(
            conversations=services.conversations(),
            views=ModelViews(models),
            names=model_names(bot),
            pulling=Pulling(models, clock=services.clock(), supervisor=bot.supervisor),
        )
    )
