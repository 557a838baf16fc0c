"""Buttons for one person alone: questions before something is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self

import discord

from frontends.discord.asking import answer
from frontends.discord.failures import tell
from frontends.discord.posting import PostingFailed, translated

SECONDS = 300.0
"""How long buttons and forms wait for somebody."""

Interaction = discord.Interaction[Any]


class OwnView(discord.ui.View):
    """Components that only whoever asked can use, for five minutes."""

    def __init__(self, asked: Interaction) -> None:
        super().__init__(timeout=SECONDS)
        self.latest = asked
        self._reader = asked.user.id

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Let only the one who asked in."""
        if interaction.user.id == self._reader:
            self.latest = interaction
            return True
        await answer(interaction, "Only the person who asked can use this.")
        return False

    async def on_error(self, interaction: Interaction, error: Exception, _item: object, /) -> None:
        """Say why it did not work."""
        await tell(interaction, error)

    async def on_timeout(self) -> None:
        """Take the components away."""
        try:
            async with translated():
                await self.latest.edit_original_response(view=None)
        except PostingFailed:  # the message is gone, or too old to be changed
            return


class Confirmation(OwnView):
    """Yes or no; ``confirmed`` is given the click and has to answer it."""

    def __init__(
        self,
        asked: Interaction,
        label: str,
        confirmed: Callable[[Interaction], Awaitable[None]],
        *,
        declined: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(asked)
        self.yes.label = label
        self._confirmed = confirmed
        self._declined = declined

    @discord.ui.button(style=discord.ButtonStyle.danger, label="Yes")
    async def yes(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Do it."""
        self.stop()
        await self._confirmed(interaction)

    @discord.ui.button(label="Cancel")
    async def no(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Leave everything as it is."""
        self.stop()
        if self._declined is not None:
            await self._declined()
        await close(interaction, "Nothing was changed.")


class Form(discord.ui.Modal):
    """A form whose failures are told; it waits for fifteen minutes."""

    def __init__(self, *, title: str) -> None:
        super().__init__(title=title, timeout=3 * SECONDS)

    async def on_error(  # type: ignore[override]
        self, interaction: Interaction, error: Exception, /
    ) -> None:
        """Say why it was not taken."""
        await tell(interaction, error)


async def close(interaction: Interaction, text: str) -> None:
    """Put ``text`` in place of a message and its components."""
    async with translated():
        await interaction.response.edit_message(content=text, view=None, embed=None)
