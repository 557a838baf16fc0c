"""What happens in Discord to messages and servers that conversations know."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import discord

from frontends.discord.places import PLATFORM, Place, author_of, place_of
from services.domain.errors import AcoreError

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

logger = logging.getLogger(__name__)


class Following:
    """Tells the conversation core of edits, deletions and servers that come and go."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    async def edited(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Pass on new words of a person's message; link previews change nothing."""
        message = payload.message
        if message.author.id == self._bot.user.id or message.webhook_id is not None:
            return
        if message.edited_at is None:
            return
        place = self._place(payload.channel_id, payload.guild_id)
        if place is None:
            return
        try:
            await self._bot.services.conversations().corrected(
                place.conversation,
                str(payload.message_id),
                self._bot.ears.text_of(message),
                by=author_of(message.author),
            )
        except AcoreError as error:
            logger.warning("an edit was not followed", extra={"code": error.code})

    async def deleted(self, channel: int, guild: int | None, messages: list[int]) -> None:
        """Pass on that messages are gone."""
        place = self._place(channel, guild)
        if place is None:
            return
        try:
            await self._bot.services.conversations().withdrawn(
                place.conversation, [str(one) for one in messages]
            )
        except AcoreError as error:
            logger.warning("a deletion was not followed", extra={"code": error.code})

    async def joined(self, guild: int) -> None:
        """Keep what is known of a server."""
        await self._bot.services.departures().returned(PLATFORM, str(guild))

    async def left(self, guild: int) -> None:
        """Stop what is being said in a server, and have it forgotten after the grace period."""
        for conversation in list(self._bot.desk.writing):
            if conversation.scope == str(guild):
                self._bot.services.conversations().stop(conversation)
        await self._bot.services.departures().left(PLATFORM, str(guild))

    def _place(self, channel: int, guild: int | None) -> Place | None:
        found: object = self._bot.get_channel(channel)
        if found is None and guild is None:
            found = self._bot.get_partial_messageable(channel)
        return place_of(found, None)
