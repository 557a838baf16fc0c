"""Commands about the lorebooks that hold somewhere."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.attachments import Attachments
from frontends.discord.choosing import ranked
from frontends.discord.lore_text import book_pages, bookmarks_text, woken_pages
from frontends.discord.memory_acting import Choices, offered
from frontends.discord.memory_text import shown
from frontends.discord.paging import show_pages
from frontends.discord.posting import translated
from services.conversation.bookmarks import Lorebooks
from services.conversation.lore_trial import LoreTrial
from services.persona.lore.books import LARGEST_BYTES
from services.persona.lore.shelving import Offered

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Text = app_commands.Range[str, 1, 2000]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class LoreCog(commands.GroupCog, group_name="lore", group_description="Lorebooks that hold here."):
    """Which lorebooks hold, and what is in them."""

    def __init__(self, *, lorebooks: Lorebooks, trial: LoreTrial, attachments: Attachments) -> None:
        self._lorebooks = lorebooks
        self._trial = trial
        self._attachments = attachments

    @app_commands.command(name="list", description="Show which lorebooks hold here and for you.")
    @_cooldown
    async def known(self, interaction: Interaction) -> None:
        who = await asked(interaction)
        marks = await self._lorebooks.overview(who.conversation, by=who.author)
        await show_pages(interaction, [bookmarks_text(marks)])

    @app_commands.command(description="Let a lorebook hold here, or for you wherever you talk.")
    @app_commands.describe(book="The lorebook.", where="Here is for moderators.")
    @_cooldown
    async def add(
        self, interaction: Interaction, book: str, where: Literal["here", "for me"]
    ) -> None:
        who = await asked(interaction)
        await self._lorebooks.add(
            who.conversation,
            book,
            by=who.author,
            role=who.role,
            always=where == "for me",
            private=who.place.private,
        )
        await answer(interaction, f"{shown(book)} holds {where} from now on.")

    @app_commands.command(description="Let a lorebook hold no longer, for you or else here.")
    @app_commands.describe(book="The lorebook.")
    @_cooldown
    async def remove(self, interaction: Interaction, book: str) -> None:
        who = await asked(interaction)
        await self._lorebooks.remove(
            who.conversation, book, by=who.author, role=who.role, private=who.place.private
        )
        await answer(interaction, f"{shown(book)} holds no longer.")

    @app_commands.command(description="See which entries a message would wake here.")
    @app_commands.describe(text="What would be said.")
    @_cooldown
    async def test(self, interaction: Interaction, text: Text) -> None:
        who = await asked(interaction)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        woken = await self._trial.test(who.conversation, text, by=who.author)
        await show_pages(interaction, woken_pages(woken))

    @app_commands.command(description="Show the entries of a lorebook.")
    @app_commands.describe(book="The lorebook.")
    @_cooldown
    async def show(self, interaction: Interaction, book: str) -> None:
        await asked(interaction)
        await show_pages(interaction, book_pages(await self._lorebooks.book(book)))

    @app_commands.command(description="Add a lorebook file for everybody; for admins.")
    @app_commands.describe(
        file="A lorebook of SillyTavern or any other known kind.",
        name="What it is to be called; else as the file.",
        replace="Put it in place of the one of that name; for owners.",
    )
    @app_commands.checks.cooldown(5, 60.0)
    async def upload(
        self,
        interaction: Interaction,
        file: discord.Attachment,
        name: str = "",
        replace: bool = False,  # noqa: FBT001  an option of a command
    ) -> None:
        who = await asked(interaction)
        self._lorebooks.check_taking(who.role, replace=replace)
        async with translated():
            await interaction.response.defer(ephemeral=True)
        content = await self._attachments.read(file, most_bytes=LARGEST_BYTES)
        called = name or PurePath(file.filename).stem
        offer = Offered(name=called, content=content, replace=replace)
        book = await self._lorebooks.take(offer, role=who.role)
        await answer(
            interaction, f"{shown(called)} is there now, with {len(book.entries)} entries."
        )

    @add.autocomplete("book")
    @show.autocomplete("book")
    async def books(self, _interaction: Interaction, typed: str) -> Choices:
        return ranked(typed, ((name, name) for name in await self._lorebooks.names()))

    @remove.autocomplete("book")
    async def held(self, interaction: Interaction, typed: str) -> Choices:
        return await offered(self._held, interaction, typed)

    async def _held(self, interaction: Interaction, typed: str) -> Choices:
        who = await asked(interaction)
        marks = await self._lorebooks.overview(who.conversation, by=who.author)
        return ranked(typed, ((name, name) for name in dict.fromkeys([*marks.always, *marks.here])))


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    await bot.add_cog(
        LoreCog(
            lorebooks=services.lorebooks(),
            trial=services.lore_trial(),
            attachments=bot.attachments,
        )
    )
