"""Commands for people's notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.note_acting import NoteActing
from services.notes.note import LONGEST_CATEGORY

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Content = app_commands.Range[str, 1, 4000]
Category = app_commands.Range[str, 1, LONGEST_CATEGORY]
Number = app_commands.Range[int, 1, 2**31 - 1]
_cooldown = app_commands.checks.cooldown(10, 30.0)
_NUMBER = "The note's number."


class NotesCog(commands.Cog, name="Notes"):
    """Notes are private until they are shared."""

    notes = app_commands.Group(name="notes", description="What you have written down.")

    def __init__(self, *, acting: NoteActing) -> None:
        self._acting = acting

    @app_commands.command(description="Write a note.")
    @app_commands.describe(content="What to write down.", category="Such as shopping or ideas.")
    @_cooldown
    async def note(
        self, interaction: Interaction, content: Content, category: Category | None = None
    ) -> None:
        await self._acting.add(interaction, content, category)

    @app_commands.command(description="Delete one of your notes.")
    @app_commands.describe(number=_NUMBER)
    @_cooldown
    async def delnote(self, interaction: Interaction, number: Number) -> None:
        await self._acting.delete(interaction, number)

    @app_commands.command(description="Delete your notes, all or those of a category.")
    @app_commands.describe(category="Only this category.")
    @_cooldown
    async def clearnotes(self, interaction: Interaction, category: Category | None = None) -> None:
        await self._acting.clear(interaction, category)

    @notes.command(name="list", description="List your notes.")
    @app_commands.describe(category="Only this category.")
    @_cooldown
    async def listed(self, interaction: Interaction, category: Category | None = None) -> None:
        await self._acting.listed(interaction, category)

    @notes.command(description="Find notes of yours by words or meaning.")
    @app_commands.describe(query="What they are about.")
    @_cooldown
    async def search(
        self, interaction: Interaction, query: app_commands.Range[str, 1, 300]
    ) -> None:
        await self._acting.search(interaction, query)

    @notes.command(description="Show a whole note.")
    @app_commands.describe(number=_NUMBER)
    @_cooldown
    async def show(self, interaction: Interaction, number: Number) -> None:
        await self._acting.show(interaction, number)

    @notes.command(description="Change a note.")
    @app_commands.describe(
        number=_NUMBER, content="What it says now.", category="The category it has now."
    )
    @_cooldown
    async def edit(
        self,
        interaction: Interaction,
        number: Number,
        content: Content | None = None,
        category: Category | None = None,
    ) -> None:
        await self._acting.edit(interaction, number, content, category)

    @notes.command(description="List a note first, or no longer.")
    @app_commands.describe(number=_NUMBER, pinned="Whether it is listed first.")
    @_cooldown
    async def pin(self, interaction: Interaction, number: Number, pinned: bool = True) -> None:  # noqa: FBT001  an option of the command
        await self._acting.pin(interaction, number, pinned=pinned)

    @notes.command(description="Show a note to everybody here, who can read it from now on.")
    @app_commands.describe(number=_NUMBER)
    @_cooldown
    async def share(self, interaction: Interaction, number: Number) -> None:
        await self._acting.share(interaction, number)

    @notes.command(description="Share a note no longer.")
    @app_commands.describe(number=_NUMBER)
    @_cooldown
    async def withdraw(self, interaction: Interaction, number: Number) -> None:
        await self._acting.withdraw(interaction, number)

    @notes.command(description="List the notes that are shared here.")
    @_cooldown
    async def shared(self, interaction: Interaction) -> None:
        await self._acting.shared(interaction)

    @notes.command(description="Get all your notes as a file.")
    @app_commands.checks.cooldown(2, 60.0)
    async def export(self, interaction: Interaction) -> None:
        await self._acting.export(interaction)

    @note.autocomplete("category")
    @clearnotes.autocomplete("category")
    @listed.autocomplete("category")
    @edit.autocomplete("category")
    async def _categories(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._acting.categories(interaction, typed)


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(NotesCog(acting=NoteActing(bot.services.notes())))
