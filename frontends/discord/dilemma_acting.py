"""Would you rather on Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import answer, arrived, bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.posting import translated
from services.games.dilemmas import Dilemmas
from services.games.values import Dilemma

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_BAR = 12
_VOTE_ID = r"acore:rather:(?P<number>\d{1,9}):(?P<option>[12])"


class RatherButton(Clickable[discord.ui.Button[Any]], template=_VOTE_ID):
    """Votes; everybody sees how it stands."""

    async def clicked(self, interaction: Clicked) -> None:
        """Count the vote."""
        who = await arrived(interaction)
        found = (
            await bot_of(interaction)
            .services.dilemmas()
            .vote(
                int(self.parts["number"]),
                int(self.parts["option"]),
                by=who.author,
                where=who.conversation,
            )
        )
        async with translated():
            await interaction.response.edit_message(content=dilemma_text(found), view=choice(found))


class DilemmaActing:
    """Does what the command asks for."""

    def __init__(self, dilemmas: Dilemmas) -> None:
        self._dilemmas = dilemmas

    async def ask(self, interaction: Interaction, theme: str) -> None:
        """Ask everybody."""
        who = await arrived(interaction)
        found = await self._dilemmas.ask(theme, by=who.author, where=who.conversation)
        await answer(interaction, dilemma_text(found), private=False, view=choice(found))


def choice(found: Dilemma) -> discord.ui.View:
    """Return the two buttons."""
    view = discord.ui.View(timeout=None)
    for number, text in enumerate((found.first, found.second), 1):
        name = f"acore:rather:{found.number}:{number}"
        view.add_item(discord.ui.Button(custom_id=name, label=text[:80]))
    view.stop()
    return view


def dilemma_text(found: Dilemma) -> str:
    """Return a dilemma with a bar for each side."""
    total = max(sum(found.votes), 1)
    lines = ["**Would you rather …**"]
    for text, count in zip((found.first, found.second), found.votes, strict=True):
        full = round(_BAR * count / total)
        lines.append(f"`{'█' * full}{'░' * (_BAR - full)}` {count} {text}")
    return "\n".join(lines)
