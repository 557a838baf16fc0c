"""What the commands about notes do, and how notes are shown."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord.asking import answer, arrived, asked
from frontends.discord.choosing import ranked
from frontends.discord.confirming import Confirmation, close
from frontends.discord.paging import answer_pages
from services.notes.note import Note
from services.notes.service import Notes

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_SHORT = 200
_LONGEST = 3900


class NoteActing:
    """Does what commands ask for; what is private stays between the bot and whoever asked."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def add(self, interaction: Interaction, content: str, category: str | None) -> None:
        """Write a note."""
        who = await arrived(interaction)
        note = await self._notes.add(
            content, category=category, by=who.author, where=who.conversation
        )
        await answer(interaction, f"Written down as note {note.number} in {_named(note)}.")

    async def listed(self, interaction: Interaction, category: str | None) -> None:
        """List notes."""
        who = await asked(interaction)
        notes = await self._notes.listed(by=who.author, category=category)
        await answer_pages(interaction, short_lines(notes))

    async def search(self, interaction: Interaction, query: str) -> None:
        """Find notes; meaning may take a while."""
        who = await asked(interaction)
        await interaction.response.defer(ephemeral=True)
        found = await self._notes.search(query, by=who.author)
        await answer_pages(interaction, short_lines(found))

    async def show(self, interaction: Interaction, number: int) -> None:
        """Show a note."""
        who = await asked(interaction)
        await answer(interaction, whole(await self._notes.show(number, by=who.author)))

    async def edit(
        self, interaction: Interaction, number: int, content: str | None, category: str | None
    ) -> None:
        """Change a note."""
        who = await asked(interaction)
        note = await self._notes.edit(number, by=who.author, content=content, category=category)
        await answer(interaction, f"Changed:\n{whole(note)}")

    async def pin(self, interaction: Interaction, number: int, *, pinned: bool) -> None:
        """List a note first, or no longer."""
        who = await asked(interaction)
        note = await self._notes.pin(number, by=who.author, pinned=pinned)
        await answer(interaction, f"Note {note.number} is {'' if pinned else 'no longer '}pinned.")

    async def share(self, interaction: Interaction, number: int) -> None:
        """Show a note to everybody."""
        who = await asked(interaction)
        note = await self._notes.share(number, by=who.author, where=who.conversation)
        await answer(interaction, f"{_author(note)} shares:\n{whole(note)}", private=False)

    async def withdraw(self, interaction: Interaction, number: int) -> None:
        """Share a note no longer."""
        who = await asked(interaction)
        note = await self._notes.withdraw(number, by=who.author)
        await answer(interaction, f"Note {note.number} is shared no longer.")

    async def shared(self, interaction: Interaction) -> None:
        """List what is shared."""
        who = await asked(interaction)
        notes = await self._notes.shared(who.conversation)
        lines = (
            f"{_author(note)}, {line}" for note, line in zip(notes, short_lines(notes), strict=True)
        )
        await answer_pages(interaction, lines)

    async def delete(self, interaction: Interaction, number: int) -> None:
        """Delete a note."""
        who = await asked(interaction)
        await self._notes.delete(number, by=who.author)
        await answer(interaction, f"Note {number} is deleted.")

    async def clear(self, interaction: Interaction, category: str | None) -> None:
        """Delete notes."""
        who = await asked(interaction)
        count = len(await self._notes.listed(by=who.author, category=category))

        async def erase(click: Interaction) -> None:
            erased = await self._notes.clear(by=who.author, category=category)
            await close(click, f"Notes deleted: {erased}.")

        if not count:
            await answer(interaction, "There are no such notes.")
            return
        view = Confirmation(interaction, "Delete", erase)
        await answer(interaction, f"Delete {count} of your notes?", view=view)

    async def export(self, interaction: Interaction) -> None:
        """Hand out all notes as a file."""
        who = await asked(interaction)
        text = await self._notes.export(by=who.author)
        file = discord.File(io.BytesIO(text.encode()), filename="notes.md")
        await answer(interaction, "Your notes:", files=[file])

    async def categories(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Return categories that fit what is typed."""
        who = await asked(interaction)
        known = await self._notes.categories(by=who.author)
        return ranked(typed, [(f"{name} ({count})", name) for name, count in known])


def short_lines(notes: Iterable[Note]) -> Iterator[str]:
    """Yield a line for each note."""
    for note in notes:
        flat = discord.utils.escape_markdown(" ".join(note.content.split()))
        shown = flat if len(flat) <= _SHORT else f"{flat[:_SHORT]}…"
        pin = "📌 " if note.pinned else ""
        yield f"{pin}**{note.number}** [{_named(note)}] {shown}"


def whole(note: Note) -> str:
    """Return a note as it was written."""
    return f"**{note.number}** [{_named(note)}]\n{note.content[:_LONGEST]}"


def _named(note: Note) -> str:
    return discord.utils.escape_markdown(note.category)


def _author(note: Note) -> str:
    return discord.utils.escape_markdown(note.author_name)
