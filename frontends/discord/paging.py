"""Long answers as pages that are turned by buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import discord

from frontends.discord.asking import answer
from frontends.discord.failures import tell
from frontends.discord.posting import PostingFailed, translated

_SECONDS = 300.0
_LONGEST = 1800


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
    interaction: discord.Interaction[Any], pages: Sequence[str], *, private: bool = True
) -> None:
    """Answer with the first page; only whoever asked can turn them, for five minutes."""
    if len(pages) == 1:
        await answer(interaction, pages[0], private=private)
        return
    pager = Pager(pages, interaction)
    await answer(interaction, pager.text, private=private, view=pager)


class Pager(discord.ui.View):
    """Two buttons under a page."""

    def __init__(self, pages: Sequence[str], asked: discord.Interaction[Any]) -> None:
        super().__init__(timeout=_SECONDS)
        self._pages = pages
        self._reader = asked.user.id
        self._latest = asked
        self._index = 0
        self._mark()

    @property
    def text(self) -> str:
        """The page that is open."""
        return f"{self._pages[self._index]}\n-# {self._index + 1} / {len(self._pages)}"

    @discord.ui.button(label="◀")
    async def back(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Open the page before."""
        await self._turn(interaction, -1)

    @discord.ui.button(label="▶")
    async def on(
        self, interaction: discord.Interaction[Any], _button: discord.ui.Button[Self]
    ) -> None:
        """Open the next page."""
        await self._turn(interaction, 1)

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Let only the reader turn pages."""
        if interaction.user.id == self._reader:
            return True
        await answer(interaction, "Only the person who asked can turn these pages.")
        return False

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _item: object, /
    ) -> None:
        """Say why a page was not turned."""
        await tell(interaction, error)

    async def on_timeout(self) -> None:
        """Take the buttons away."""
        try:
            async with translated():
                await self._latest.edit_original_response(view=None)
        except PostingFailed:  # the message is gone, or too old to be changed
            return

    async def _turn(self, interaction: discord.Interaction[Any], step: int) -> None:
        self._index = max(0, min(len(self._pages) - 1, self._index + step))
        self._latest = interaction
        self._mark()
        async with translated():
            await interaction.response.edit_message(content=self.text, view=self)

    def _mark(self) -> None:
        self.back.disabled = self._index == 0
        self.on.disabled = self._index == len(self._pages) - 1
