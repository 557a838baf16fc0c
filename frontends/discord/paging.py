"""Long answers as pages that are turned by buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import discord

from frontends.discord.asking import answer
from frontends.discord.confirming import Interaction, OwnView
from frontends.discord.posting import translated

_LONGEST = 1800

AskersView = OwnView


def bundled(blocks: Iterable[str], *, between: str = "\n", longest: int = _LONGEST) -> list[str]:
    """Return ``blocks`` joined to pages of at most ``longest`` characters; long ones are cut."""
    pages: list[str] = []
    for block in blocks:
        text = block if len(block) <= longest else f"{block[: longest - 1]}…"
        if pages and len(pages[-1]) + len(between) + len(text) <= longest:
            pages[-1] = f"{pages[-1]}{between}{text}"
        else:
            pages.append(text)
    return pages


async def show_pages(
    interaction: Interaction, pages: Sequence[str], *, private: bool = True
) -> None:
    """Answer with the first page; only whoever asked can turn them, for five minutes."""
    if len(pages) == 1:
        await answer(interaction, pages[0], private=private)
        return
    pager = Pager(interaction, pages)
    await answer(interaction, pager.text, private=private, view=pager)


async def answer_pages(
    interaction: Interaction, lines: Iterable[str], *, private: bool = True
) -> None:
    """Answer with ``lines`` on as many pages as they take; with none, that there are none."""
    await show_pages(interaction, bundled(lines) or ["There are none."], private=private)


class Pager(OwnView):
    """Two buttons under a page."""

    def __init__(self, asked: Interaction, pages: Sequence[str]) -> None:
        super().__init__(asked)
        self._pages = pages
        self._index = 0
        self._mark()

    @property
    def text(self) -> str:
        """The page that is open."""
        return f"{self._pages[self._index]}\n-# {self._index + 1} / {len(self._pages)}"

    @discord.ui.button(label="◀")
    async def back(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Open the page before."""
        await self._turn(interaction, -1)

    @discord.ui.button(label="▶")
    async def onward(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Open the next page."""
        await self._turn(interaction, 1)

    async def _turn(self, interaction: Interaction, step: int) -> None:
        self._index = max(0, min(len(self._pages) - 1, self._index + step))
        self._mark()
        async with translated():
            await interaction.response.edit_message(content=self.text, view=self)

    def _mark(self) -> None:
        self.back.disabled = self._index == 0
        self.onward.disabled = self._index == len(self._pages) - 1
