"""Hearing what was said while the gateway could not tell."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

import discord

from frontends.discord.posting import PostingFailed, translated

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

logger = logging.getLogger(__name__)

_MOST_CHANNELS = 100


class CatchUp:
    """Reads the newest messages of the channels in which the bot lately heard something.

    A session that is resumed misses nothing; this is for those that begin anew. What was taken in
    before is not answered twice: the core knows the platform's ids.
    """

    def __init__(self, bot: AcoreBot, *, most: int) -> None:
        self._bot = bot
        self._most = most
        self._last: OrderedDict[int, int] = OrderedDict()

    def heard(self, message: discord.Message) -> None:
        """Note the newest message of a channel."""
        self._last[message.channel.id] = message.id
        self._last.move_to_end(message.channel.id)
        if len(self._last) > _MOST_CHANNELS:
            self._last.popitem(last=False)

    async def run(self) -> None:
        """Hear what each of those channels has had since."""
        for channel_id, last in list(self._last.items()):
            channel = self._bot.get_channel(channel_id)
            if not isinstance(channel, discord.abc.Messageable) or not self._most:
                continue
            try:
                async with translated():
                    after = discord.Object(last)
                    async for message in channel.history(
                        after=after, limit=self._most, oldest_first=True
                    ):
                        self._bot.dispatch("message", message)
            except PostingFailed as error:
                logger.info("a channel was not caught up with", extra={"code": error.code})
