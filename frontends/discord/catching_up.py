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

    ``most`` messages of a channel are heard, the newest ones.
    """

    def __init__(self, bot: AcoreBot, *, most: int) -> None:
        self._bot = bot
        self._most = most
        self._last: OrderedDict[int, tuple[int, bool]] = OrderedDict()
        self._missed: dict[int, tuple[int, bool]] = {}

    def heard(self, message: discord.Message) -> None:
        """Note the newest message of a channel."""
        known, _ = self._last.get(message.channel.id, (0, False))
        self._last[message.channel.id] = max(known, message.id), message.guild is None
        self._last.move_to_end(message.channel.id)
        if len(self._last) > _MOST_CHANNELS:
            self._last.popitem(last=False)

    def begin(self) -> None:
        """Note where each channel stands, before a new session brings what is said from now on."""
        self._missed = {**self._last, **self._missed}

    async def run(self) -> None:
        """Hear what each of those channels has had since ``begin``."""
        missed, self._missed = self._missed, {}
        for channel, (last, direct) in missed.items():
            try:
                async with translated():
                    await self._read(channel, last, direct=direct)
            except PostingFailed as error:
                logger.info("a channel was not caught up with", extra={"code": error.code})

    async def _read(self, channel_id: int, last: int, *, direct: bool) -> None:
        channel: object = self._bot.get_channel(channel_id)
        if channel is None and direct:  # a new session knows no direct channel before it is used
            channel = self._bot.get_partial_messageable(channel_id)
        if not isinstance(channel, discord.abc.Messageable) or not self._most:
            return
        newest = channel.history(after=discord.Object(last), limit=self._most, oldest_first=False)
        for message in reversed([one async for one in newest]):
            self._bot.dispatch("message", message)
