"""Asking twice before somebody is forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from frontends.discord.asking import answer
from frontends.discord.confirming import Form, Interaction, close
from services.domain.errors import InvalidRequest
from services.memory.forgetting.receipts import Receipt

WORD = "FORGET"
"""What has to be typed to be forgotten altogether."""


class ForgetForm(Form):
    """Takes the word without which nothing is erased."""

    word: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=f"Type {WORD} to have everything erased", custom_id="word", max_length=20
    )

    def __init__(self, erase: Callable[[], Awaitable[Receipt]]) -> None:
        super().__init__(title="This cannot be undone")
        self._erase = erase

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Erase everything and show the receipt."""
        if self.word.value.strip().upper() != WORD:
            raise InvalidRequest("forget_word", f"You did not type {WORD}; nothing was erased.")
        await close(interaction, "Forgetting you…")
        await show_receipt(interaction, await self._erase())


async def show_receipt(interaction: Interaction, receipt: Receipt | None) -> None:
    """Answer with the proof of an erasure."""
    lines = ["That is forgotten."] if receipt is None else receipt.lines()
    await answer(interaction, "\n".join(lines))
