"""The form in which the words of an answer are changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import discord

from frontends.discord.acting import Click
from frontends.discord.asking import asked, bot_of
from frontends.discord.clicks import set_off
from frontends.discord.confirming import Form
from frontends.discord.posting import translated
from services.domain.errors import InvalidRequest

_FIELD = 4000
_FIELDS = 5


class EditAnswer(Form):
    """A form with the words of an answer, in several fields where one does not hold them.

    Raises ``InvalidRequest`` for more words than a form holds.
    """

    def __init__(self, click: Click, text: str) -> None:
        super().__init__(title="Edit the answer")
        self._click = click
        pieces = fields_of(text)
        if len(pieces) > _FIELDS:
            raise InvalidRequest(
                "edit_long",
                f"That answer is longer than {_FIELD * _FIELDS:,} characters; too "
                "long to be edited here.",
            )
        self._gaps = [gap for _, gap in pieces]
        self._words: list[discord.ui.TextInput[EditAnswer]] = []
        for number, (piece, _) in enumerate(pieces, 1):
            label = "Words" if len(pieces) == 1 else f"Words, part {number} of {len(pieces)}"
            self._words.append(
                discord.ui.TextInput(
                    label=label,
                    style=discord.TextStyle.paragraph,
                    default=piece,
                    max_length=_FIELD,
                    required=len(pieces) == 1,
                )
            )
            self.add_item(self._words[-1])

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        """Keep the new words and show them."""
        set_off(interaction, partial(self._submit, interaction))

    async def _submit(self, interaction: discord.Interaction[Any]) -> None:
        async with translated():
            await interaction.response.defer()
        click = replace(self._click, who=await asked(interaction))
        texts = [one.value for one in self._words]
        text = "".join(f"{one}{gap}" for one, gap in zip(texts, self._gaps, strict=True))
        await bot_of(interaction).acting.edit(click, text)


def fields_of(text: str) -> list[tuple[str, str]]:
    """Cut ``text`` into pieces that a field of a form holds, each with the gap that follows it.

    Pieces and gaps together are ``text``. Characters count as UTF-16 counts them. Cuts are made at
    the end of lines, else between words, where there are any in the second half.
    """
    pieces: list[tuple[str, str]] = []
    while True:
        end = _fitting(text)
        if end == len(text):
            return [*pieces, (text, "")]
        for mark in ("\n", " "):
            found = text.rfind(mark, end // 2, end)
            if found > 0:
                pieces.append((text[:found], mark))
                text = text[found + 1 :]
                break
        else:
            pieces.append((text[:end], ""))
            text = text[end:]


def _fitting(text: str) -> int:
    end = min(len(text), _FIELD)
    while len(text[:end].encode("utf-16-le", "surrogatepass")) // 2 > _FIELD:
        end -= 1
    return end
