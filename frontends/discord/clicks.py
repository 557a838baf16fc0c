"""What buttons and forms set off: owned by the bot, and its failures told to whoever clicked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from frontends.discord.asking import bot_of
from frontends.discord.failures import tell


def set_off(interaction: discord.Interaction[Any], work: Callable[[], Awaitable[None]]) -> None:
    """Let ``work`` run for as long as the bot does; what goes wrong is told privately."""

    async def run() -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  whoever clicked is told, the log gets the rest
            await tell(interaction, error)

    bot_of(interaction).supervisor.start("click", run)
