"""Asking twice before a whole server is forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from frontends.discord.confirming import Confirmation, Form, Interaction, close
from frontends.discord.forgetting_views import WORD, show_receipt
from frontends.discord.posting import translated
from services.domain.errors import InvalidRequest
from services.memory.forgetting.place_rows import PlaceOverview
from services.memory.forgetting.receipts import Receipt

Erase = Callable[[], Awaitable[Receipt]]


class ForgetServerForm(Form):
    """Takes the word without which nothing is erased."""

    word: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=f"Type {WORD} to have this server forgotten", custom_id="word", max_length=20
    )

    def __init__(self, erase: Erase) -> None:
        super().__init__(title="This cannot be undone")
        self._erase = erase

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Erase everything and show the receipt."""
        if self.word.value.strip().upper() != WORD:
            raise InvalidRequest("forget_word", f"You did not type {WORD}; nothing was erased.")
        await close(interaction, "Forgetting this server; that takes a moment…")
        await show_receipt(interaction, await self._erase())


def server_question(known: PlaceOverview) -> str:
    """Return what has to be known before a server is forgotten."""
    return (
        f"I know {known.messages} messages in {known.conversations} channels of this server and "
        f"learnt {known.facts} facts here. All of it would be erased for everybody, with "
        f"{known.settings} settings and {known.roles} roles and blocks. The messages on Discord "
        "itself stay, and so does what people said to me elsewhere. This cannot be undone."
    )


def confirmation(asked: Interaction, erase: Erase) -> Confirmation:
    """Return the button that leads to the form."""

    async def confirmed(interaction: Interaction) -> None:
        async with translated():
            await interaction.response.send_modal(ForgetServerForm(erase))

    return Confirmation(asked, "Forget this server", confirmed)
