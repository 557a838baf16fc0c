"""The form for how somebody would like to be answered."""

from __future__ import annotations

from typing import Any

import discord

from frontends.discord.asking import answer
from frontends.discord.confirming import Form, Interaction
from frontends.discord.memory_text import shown
from services.domain.ids import AuthorId
from services.people.answer_style import LONGEST_STYLE, AnswerStyle, AnswerStyles


class StyleForm(Form):
    """Takes a style in somebody's own words; what holds stands in it already."""

    words: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="How would you like to be answered?",
        custom_id="words",
        style=discord.TextStyle.paragraph,
        max_length=LONGEST_STYLE,
    )

    def __init__(self, styles: AnswerStyles, account: AuthorId, held: AnswerStyle | None) -> None:
        super().__init__(title="Your style")
        self._styles = styles
        self._account = account
        self.words.default = held.text if held is not None else None

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Keep it."""
        kept = await self._styles.choose(self._account, self.words.value)
        await answer(interaction, style_text(kept))


def style_text(style: AnswerStyle | None) -> str:
    """Return what holds."""
    if style is None:
        return "You are answered as each character likes; /style set or /style preset changes that."
    name = f" ({style.preset})" if style.preset else ""
    return f"You are answered like this{name}:\n>>> {shown(style.text, longest=LONGEST_STYLE)}"
