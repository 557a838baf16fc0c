"""Cards that people send: who may, how they are fetched, and what is asked about a taken name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import Asked, answer
from frontends.discord.character_views import outcome
from frontends.discord.paging import AskersView, answer_pages
from frontends.discord.posting import SILENT, translated
from services.domain.errors import NotAllowed
from services.domain.people import Role
from services.persona.cards.desk import CardDesk, Sent
from services.persona.cards.importing import CardTaken

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Used = discord.Interaction[AcoreBot]


def need_library(who: Asked) -> None:
    """Raise ``NotAllowed`` to all but owners: all servers share the characters."""
    if who.role < Role.OWNER:
        raise NotAllowed(
            "library_permission",
            "All servers share the characters, so their cards are for owners of the bot.",
        )


async def import_card(interaction: Used, cards: CardDesk, file: discord.Attachment) -> None:
    """Make a character of an attached card and answer the deferred command.

    Where its name is taken, whoever asked is given the choice.
    """
    try:
        imported = await cards.take(await fetched(interaction, cards, file))
    except CardTaken as taken:
        question = (
            f"There is a character {taken.slug} already. The card can become its new version; "
            "the present one is kept, and /characters rollback brings it back."
        )
        await answer(interaction, question, view=KeepBoth(interaction, cards, file))
        return
    await answer(interaction, outcome(imported))


async def import_cards(
    interaction: Used, cards: CardDesk, files: Sequence[discord.Attachment]
) -> None:
    """Make characters of all attached cards and archives of cards; answer the deferred command."""
    sent = [await fetched(interaction, cards, file, archive=True) for file in files]
    done = await cards.take_all(sent)
    came = sum(one.imported is not None for one in done)
    lines = [f"{came} of {len(done)} cards are characters now."]
    for one in done:
        said = outcome(one.imported) if one.imported is not None else one.problem
        lines.append(f"- {discord.utils.escape_markdown(one.name[:80])}: {said}")
    await answer_pages(interaction, lines)


async def fetched(
    interaction: Used, cards: CardDesk, file: discord.Attachment, *, archive: bool = False
) -> Sent:
    """Return an attachment's content; raises ``InvalidRequest`` for one that is too large."""
    most = cards.limits.archive_bytes if archive else cards.limits.card_bytes
    content = await interaction.client.attachments.read(file, most_bytes=most)
    return Sent(name=file.filename, content=content)


class KeepBoth(AskersView):
    """Asks what becomes of a card whose name is taken."""

    def __init__(self, asked: Used, cards: CardDesk, file: discord.Attachment) -> None:
        super().__init__(asked)
        self._cards = cards
        self._file = file

    @discord.ui.button(label="Keep both, as a new version", style=discord.ButtonStyle.success)
    async def replace(self, interaction: Used, _: discord.ui.Button[Any]) -> None:
        """Make the card the new version."""
        async with translated():
            await interaction.response.defer()
        sent = await fetched(interaction, self._cards, self._file)
        imported = await self._cards.take(sent, replace=True)
        await self._end(interaction, outcome(imported))

    @discord.ui.button(label="Cancel", style=discord.ButtonStyle.secondary)
    async def cancel(self, interaction: Used, _: discord.ui.Button[Any]) -> None:
        """Leave everything as it is."""
        async with translated():
            await interaction.response.defer()
        await self._end(interaction, "Nothing was changed.")

    async def _end(self, interaction: Used, text: str) -> None:
        self.stop()
        async with translated():
            await interaction.edit_original_response(
                content=text, view=None, allowed_mentions=SILENT
            )
