"""What buttons and forms set off: owned by the bot, and its failures told to whoever clicked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, Self, TypeVar, cast

import discord

from frontends.discord.asking import bot_of
from frontends.discord.failures import tell

Clicked = discord.Interaction[Any]

ItemT = TypeVar("ItemT", bound=discord.ui.Item[Any])

_NONE = r"(?!)"


class Clickable(discord.ui.DynamicItem[ItemT], Generic[ItemT], template=_NONE):
    """A component that is found by its custom id, whenever it was sent."""

    def __init__(self, item: ItemT, parts: re.Match[str]) -> None:
        super().__init__(item)
        self.parts = parts

    @classmethod
    async def from_custom_id(
        cls, _interaction: Clicked, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Keep the parts of the custom id."""
        return cls(cast("ItemT", item), match)

    async def callback(self, interaction: Clicked) -> None:
        """Do what the component is for; discord.py does not wait for it."""
        set_off(interaction, partial(self.clicked, interaction))

    async def clicked(self, interaction: Clicked) -> None:
        """Answer a click. Whoever clicked is told what it raises."""
        raise NotImplementedError


def set_off(interaction: Clicked, work: Callable[[], Awaitable[None]]) -> None:
    """Let ``work`` run for as long as the bot does; what goes wrong is told privately."""

    async def run() -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  whoever clicked is told, the log gets the rest
            await tell(interaction, error)

    bot_of(interaction).supervisor.start("click", run)
