"""The commands of /characters that bring cards in and out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord import choosing
from frontends.discord.asking import answer, asked
from frontends.discord.card_imports import import_card, import_cards, need_library
from frontends.discord.character_views import outcome, version_lines
from frontends.discord.paging import answer_pages
from services.domain.errors import AcoreError, InvalidRequest
from services.persona.cards.desk import CardDesk, CardForm

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Used = discord.Interaction[AcoreBot]


class CardCommands(commands.Cog):
    """What a cog with a ``CardDesk`` offers of cards."""

    cards: CardDesk

    @app_commands.command(name="import", description="Make a character of a card; for owners.")
    @app_commands.describe(file="A card: PNG, JSON, CHARX, WEBP or BYAF")
    async def import_one(
        self, interaction: discord.Interaction[AcoreBot], file: discord.Attachment
    ) -> None:
        """Take in one card."""
        need_library(await asked(interaction))
        await interaction.response.defer(ephemeral=True)
        await import_card(interaction, self.cards, file)

    @app_commands.command(
        name="import-all", description="Make characters of several cards; for owners."
    )
    @app_commands.describe(
        first="A card, or a ZIP archive of cards",
        second="Another one",
        third="Another one",
        fourth="Another one",
        fifth="Another one",
    )
    async def import_all(
        self,
        interaction: discord.Interaction[AcoreBot],
        first: discord.Attachment,
        second: discord.Attachment | None = None,
        third: discord.Attachment | None = None,
        fourth: discord.Attachment | None = None,
        fifth: discord.Attachment | None = None,
    ) -> None:
        """Take in several cards."""
        need_library(await asked(interaction))
        await interaction.response.defer(ephemeral=True)
        files = [one for one in (first, second, third, fourth, fifth) if one is not None]
        await import_cards(interaction, self.cards, files)

    @app_commands.command(
        name="export", description="Get the card of a character as a file; for owners."
    )
    @app_commands.describe(name="The character", format="The form of the file")
    @app_commands.autocomplete(name=choosing.characters)
    async def export(
        self,
        interaction: discord.Interaction[AcoreBot],
        name: str,
        format: CardForm = "png",  # noqa: A002  what the option is called
    ) -> None:
        """Give a card out."""
        need_library(await asked(interaction))
        await interaction.response.defer(ephemeral=True)
        card = await self.cards.export(name, form=format)
        check_upload(interaction, len(card.content))
        file = discord.File(io.BytesIO(card.content), filename=card.name)
        await answer(interaction, "Here is the card.", files=[file])

    @app_commands.command(name="reload", description="Read all cards anew; for owners.")
    async def reload(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Take over what has changed in the folders."""
        need_library(await asked(interaction))
        await interaction.response.defer(ephemeral=True)
        count = await self.cards.reload()
        await answer(interaction, f"All cards were read; there are {count} characters.")

    @app_commands.command(name="versions", description="List the versions of a character.")
    @app_commands.describe(name="The character")
    @app_commands.autocomplete(name=choosing.characters)
    async def versions(self, interaction: discord.Interaction[AcoreBot], name: str) -> None:
        """Show what is kept of a character."""
        await asked(interaction)
        await interaction.response.defer(ephemeral=True)
        await answer_pages(interaction, version_lines(await self.cards.versions(name)))

    @app_commands.command(name="rollback", description="Go back to an earlier version; for owners.")
    @app_commands.describe(name="The character", version="The number of the version")
    @app_commands.autocomplete(name=choosing.characters)
    async def rollback(
        self, interaction: discord.Interaction[AcoreBot], name: str, version: str
    ) -> None:
        """Make an earlier version the present one."""
        need_library(await asked(interaction))
        await interaction.response.defer(ephemeral=True)
        await answer(interaction, outcome(await self.cards.roll_back(name, version)))

    @rollback.autocomplete("version")
    async def _kept(
        self, interaction: discord.Interaction[AcoreBot], typed: str
    ) -> list[app_commands.Choice[str]]:
        try:
            kept = await self.cards.versions(str(interaction.namespace.name or ""))
        except AcoreError:
            return []
        lines = ((f"{one.number} ({one.digest[:8]})", str(one.number)) for one in reversed(kept))
        return choosing.ranked(typed, lines)

    async def import_from(
        self, interaction: discord.Interaction[AcoreBot], message: discord.Message
    ) -> None:
        """Take in the cards attached to a message."""
        need_library(await asked(interaction))
        attached = message.attachments
        if not attached:
            raise InvalidRequest("card_missing", "There is no file attached to that message.")
        await interaction.response.defer(ephemeral=True)
        if len(attached) == 1:
            await import_card(interaction, self.cards, attached[0])
        else:
            await import_cards(interaction, self.cards, attached)


def check_upload(interaction: Used, size: int) -> None:
    """Raise ``InvalidRequest`` for a file that is larger than may be sent here; ``size`` bytes."""
    if size > interaction.filesize_limit:
        raise InvalidRequest(
            "file_too_large",
            f"The file has {size / 2**20:,.0f} MB; {interaction.filesize_limit // 2**20} MB is the "
            "most that can be sent here.",
        )
