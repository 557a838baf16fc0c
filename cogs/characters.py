"""Commands about the characters there are and who answers where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord import character_views as views
from frontends.discord import choosing
from frontends.discord.asking import answer, asked
from frontends.discord.card_commands import CardCommands
from frontends.discord.paging import answer_pages
from services.conversation.places import PlaceSettings
from services.conversation.service import ConversationService
from services.domain.people import Role
from services.persona.cards.desk import CardDesk
from services.persona.library import CharacterLibrary

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_IMPORT = "Import card"
_ADMINISTRATORS = discord.Permissions(administrator=True)


class CharactersCog(
    CardCommands,
    commands.GroupCog,
    group_name="characters",
    group_description="Who there is, and who answers here.",
):
    """Characters, their cards, and who answers."""

    def __init__(
        self,
        bot: AcoreBot,
        *,
        cards: CardDesk,
        library: CharacterLibrary,
        conversations: ConversationService,
        places: PlaceSettings,
    ) -> None:
        self._bot = bot
        self.cards = cards
        self._library = library
        self._conversations = conversations
        self._places = places
        self._menu = app_commands.ContextMenu(name=_IMPORT, callback=self.import_from)
        self._menu.default_permissions = _ADMINISTRATORS

    async def cog_load(self) -> None:
        """Add the command in the menu of messages."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take it away."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command(name="set", description="Choose who answers here.")
    @app_commands.describe(name="The character")
    @app_commands.autocomplete(name=choosing.characters_here)
    async def choose(self, interaction: discord.Interaction[AcoreBot], name: str) -> None:
        """Let another character answer."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        role = max(who.role, Role.MODERATOR)
        persona = await self._conversations.choose_persona(
            who.conversation, name, by=who.author, role=role
        )
        await answer(interaction, f"{persona.name} answers here from now on.", private=False)

    @app_commands.command(name="here", description="Show who answers here, and why.")
    async def here(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Tell who answers."""
        who = await asked(interaction)
        rules = await self._places.note_adults(who.conversation, adults=who.place.adults)
        chosen = await self._places.overview(who.conversation)
        text = views.answering(
            await self._conversations.persona_of(who.conversation),
            next(one for one in chosen if one.name == "persona"),
            await self._conversations.scene(who.conversation),
            rules,
        )
        await answer(interaction, text)

    @app_commands.command(name="list", description="List the characters there are.")
    async def known(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Show every character with a line on each."""
        who = await asked(interaction)
        rules = await self._places.note_adults(who.conversation, adults=who.place.adults)
        await answer_pages(interaction, views.listed(self._library.all(), rules))

    @app_commands.command(name="show", description="Show what is told of a character.")
    @app_commands.describe(name="The character")
    @app_commands.autocomplete(name=choosing.characters_here)
    async def show(self, interaction: discord.Interaction[AcoreBot], name: str) -> None:
        """Show a character with its picture."""
        who = await asked(interaction)
        persona = self._library.find(name)
        rules = await self._places.note_adults(who.conversation, adults=who.place.adults)
        views.check_admitted(persona, rules)
        await interaction.response.defer(ephemeral=True)
        await views.show_character(interaction, persona)


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    services = bot.services
    cog = CharactersCog(
        bot,
        cards=services.cards(),
        library=services.library(),
        conversations=services.conversations(),
        places=services.places(),
    )
    await bot.add_cog(cog)
