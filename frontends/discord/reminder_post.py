"""Telling reminders on Discord, each once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.pacing import EVERYTHING, Bucket
from frontends.discord.places import DIRECT, Channel, channel_in, place_of
from frontends.discord.posting import Obstacle, PostingFailed, translated
from frontends.discord.reminder_buttons import marks, reminder_row
from services.domain.ids import ConversationId
from services.reminders.posts import Announcement, Posting

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

logger = logging.getLogger(__name__)

_NEWEST = 100
_OLDEST = 300
_SLACK = timedelta(minutes=10)
_POSTINGS = {
    Obstacle.PLACE: Posting.GONE,
    Obstacle.PERMISSION: Posting.GONE,
    Obstacle.MESSAGE: Posting.GONE,
    Obstacle.REFUSED: Posting.FAILED,
}


@dataclass(frozen=True, slots=True)
class _Mentioned:
    """Somebody to ping, in the form Discord documents: discord.py would send a number."""

    id: Any


class DiscordReminders:
    """Posts reminders as the bot itself, with buttons, pinging exactly the person.

    Every try carries the same nonce, which Discord heeds for some minutes. One that may have been
    posted before is looked for in the channel first: among its newest 100 messages, and the 300
    that followed the first try. Where reading them is forbidden the nonce alone has to do.
    """

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    async def deliver(self, announcement: Announcement, /) -> Posting:
        """Post a reminder, unless it stands there already."""
        if self._bot.is_closed() or self._absent(announcement):
            return Posting.ABSENT
        try:
            if announcement.uncertain and await self._stands(announcement):
                return Posting.POSTED
            await self._post(await self._channel(announcement), announcement)
        except PostingFailed as failure:
            return _POSTINGS.get(failure.obstacle, Posting.UNCERTAIN)
        return Posting.POSTED

    def _absent(self, announcement: Announcement) -> bool:
        """Tell whether Discord itself has lost the server for a while."""
        scope = announcement.conversation.scope
        if announcement.private or not scope.isdigit():
            return False
        guild = self._bot.get_guild(int(scope))
        return guild is not None and guild.unavailable

    async def _post(self, channel: Channel, announcement: Announcement) -> None:
        person = discord.Object(int(announcement.to.user))
        await self._bot.pacing.free(Bucket(f"send:{channel.id}"))
        async with translated(broken=Obstacle.UNCERTAIN):
            await channel.send(
                content_of(announcement),
                view=reminder_row(announcement.reminder, announcement.occurrence, person.id),
                nonce=announcement.nonce,
                suppress_embeds=True,
                allowed_mentions=_only(announcement.to.user),
            )

    async def _channel(self, announcement: Announcement) -> Channel:
        if announcement.private:
            await self._bot.pacing.free(EVERYTHING)
            async with translated():
                return await self._bot.create_dm(discord.Object(int(announcement.to.user)))
        return await self._open(announcement.conversation)

    async def _open(self, conversation: ConversationId) -> Channel:
        known = self._bot.place(conversation)
        if known is not None:
            return known.channel
        channel = channel_in(conversation)
        if channel is None or conversation.scope == DIRECT:
            raise PostingFailed(Obstacle.PLACE)
        async with translated():
            found = await self._bot.fetch_channel(channel)
        place = place_of(found, None)
        if place is None or place.conversation != conversation:
            raise PostingFailed(Obstacle.PLACE)
        return place.channel

    async def _stands(self, announcement: Announcement) -> bool:
        """Tell whether it is posted: where it would go now, or where it was tried before."""
        if announcement.private:
            try:
                before = await self._open(announcement.conversation)
                if await self._in(before, announcement):
                    return True
            except PostingFailed as failure:
                if _POSTINGS.get(failure.obstacle) is not Posting.GONE:
                    raise
        return await self._in(await self._channel(announcement), announcement)

    async def _in(self, channel: Channel, announcement: Announcement) -> bool:
        since = (announcement.tried_at or self._bot.services.clock().now()) - _SLACK
        oldest: datetime | None = None
        await self._bot.pacing.free(EVERYTHING)
        try:
            async with translated():
                async for message in channel.history(limit=_NEWEST):
                    if self._is(message, announcement):
                        return True
                    oldest = message.created_at
                if oldest is None or oldest < since:
                    return False
                async for message in channel.history(limit=_OLDEST, after=since, oldest_first=True):
                    if self._is(message, announcement):
                        return True
        except PostingFailed as failure:
            if failure.obstacle is not Obstacle.PERMISSION:
                raise
            logger.info("a channel cannot be read", extra={"channel": channel.id})
        return False

    def _is(self, message: discord.Message, announcement: Announcement) -> bool:
        mine = message.author.id == self._bot.user.id
        return mine and marks(message, announcement.reminder, announcement.occurrence)


def _only(user: str) -> discord.AllowedMentions:
    """Let a message ping one person and nobody else."""
    whom: Any = _Mentioned(user)
    return discord.AllowedMentions(everyone=False, roles=False, users=[whom], replied_user=False)


def content_of(announcement: Announcement) -> str:
    """Return what a reminder says; the person's own text is quoted without effect."""
    speaker = discord.utils.escape_markdown(announcement.speaker)
    lead = f"**{speaker}:** " if speaker else ""
    quoted = discord.utils.escape_markdown(announcement.text).splitlines()
    lines = [
        f"<@{announcement.to.user}> {lead}{announcement.words}",
        *(f"> {line}" for line in quoted),
    ]
    if announcement.remark:
        lines.append(f"-# {announcement.remark}")
    return "\n".join(lines)
