"""Looking after who is in a call while it lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import discord

from frontends.discord.voice.presence import Presence
from services.domain.errors import StorageError

logger = logging.getLogger(__name__)


async def until_left_alone(
    presence: Presence, minute: float, *, minutes: Callable[[], Awaitable[int]]
) -> None:
    """Return after as many minutes in a row without a person as ``minutes`` says; 0 is for ever.

    A ``minute`` is in seconds.
    """
    alone = 0
    while True:
        await presence.empty.wait()
        try:
            async with asyncio.timeout(minute):
                await presence.peopled.wait()
            alone = 0
        except TimeoutError:
            alone += 1
            if 0 < await minutes() <= alone:
                return


async def review_now_and_then(
    presence: Presence, minute: float, *, review: Callable[[discord.Member], Awaitable[None]]
) -> None:
    """Look every minute whether people were blocked, or may do more by now, until cancelled."""
    while True:
        await asyncio.sleep(minute)
        for member in presence.members():
            try:
                await review(member)
            except StorageError as error:
                logger.warning("nobody was reviewed", extra={"code": error.code})
