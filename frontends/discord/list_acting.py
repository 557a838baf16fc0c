"""What the commands about lists do, and how lists are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord.asking import answer, arrived, asked
from frontends.discord.choosing import ranked
from frontends.discord.paging import answer_pages
from services.lists.lists import Lists
from services.lists.values import NamedList

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]


class ListActing:
    """Does what commands ask for; one's own lists are shown to nobody else."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    async def all(self, interaction: Interaction) -> None:
        """Show which lists there are."""
        who = await asked(interaction)
        found = await self._lists.all(by=who.author, where=who.conversation)
        await answer_pages(interaction, (_headed(one) for one in found))

    async def show(self, interaction: Interaction, name: str) -> None:
        """Show a list."""
        who = await asked(interaction)
        found = await self._lists.show(name, by=who.author, where=who.conversation)
        await answer_pages(interaction, list_lines(found), private=not found.shared)

    async def add(self, interaction: Interaction, name: str, items: str, *, shared: bool) -> None:
        """Put lines on a list; commas part them."""
        who = await arrived(interaction)
        texts = [part for part in items.split(",") if part.strip()]
        found = await self._lists.add(
            name, texts, by=who.author, where=who.conversation, shared=shared
        )
        await answer_pages(interaction, list_lines(found), private=not found.shared)

    async def tick(self, interaction: Interaction, name: str, number: int) -> None:
        """Mark a line as done, or as to do."""
        who = await asked(interaction)
        found = await self._lists.tick(name, number, by=who.author, where=who.conversation)
        await answer_pages(interaction, list_lines(found), private=not found.shared)

    async def remove(self, interaction: Interaction, name: str, number: int | None) -> None:
        """Take a line off, or all that are done."""
        who = await asked(interaction)
        found = await self._lists.remove(name, number, by=who.author, where=who.conversation)
        await answer_pages(interaction, list_lines(found), private=not found.shared)

    async def delete(self, interaction: Interaction, name: str) -> None:
        """Delete a list."""
        who = await asked(interaction)
        await self._lists.delete(name, by=who.author, role=who.role, where=who.conversation)
        await answer(interaction, "The list is deleted.")

    async def names(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Return names that fit what is typed."""
        who = await asked(interaction)
        found = await self._lists.all(by=who.author, where=who.conversation)
        return ranked(typed, dict.fromkeys((one.name, one.name) for one in found))


def list_lines(found: NamedList) -> Iterator[str]:
    """Yield a list's name, then its lines."""
    yield _headed(found)
    for one in found.items:
        text = discord.utils.escape_markdown(one.text)
        yield f"{one.number}. ~~{text}~~ ✅" if one.done else f"{one.number}. {text}"
    if not found.items:
        yield "-# nothing yet"


def _headed(one: NamedList) -> str:
    shared = " (shared here)" if one.shared else ""
    return f"**{discord.utils.escape_markdown(one.name)}**{shared}"
