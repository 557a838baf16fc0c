"""Projects' threads on Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from frontends.discord.places import channel_in, in_thread
from frontends.discord.posting import SILENT, PostingFailed, translated
from frontends.discord.project_views import project_text
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ConversationId
from services.projects.records import Project

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_LONGEST_NAME = 100


class DiscordThreads:
    """Opens public threads in text channels and archives them."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    async def open(self, project: Project, *, beside: ConversationId) -> ConversationId:
        """Open a thread in the channel of ``beside`` and say there what the project is.

        Raises ``InvalidRequest`` where there can be none, ``PostingFailed`` where Discord refuses.
        """
        parent = beside.channel.partition(":")[0]
        channel = self._bot.get_channel(int(parent)) if parent.isdigit() else None
        if not isinstance(channel, discord.TextChannel):
            raise InvalidRequest("thread_place", "Threads can be opened in text channels only.")
        async with translated():
            thread = await channel.create_thread(
                name=project.title[:_LONGEST_NAME], type=discord.ChannelType.public_thread
            )
        try:
            async with translated():
                await thread.send(project_text(project), allowed_mentions=SILENT)
        except PostingFailed:  # the thread is there all the same
            pass
        return in_thread(channel.guild.id, channel.id, thread.id)

    async def close(self, thread: ConversationId) -> None:
        """Archive a thread; raises ``NotFound`` for one that is gone, ``PostingFailed``."""
        number = channel_in(thread)
        found = self._bot.get_channel(number) if number is not None else None
        if found is None and number is not None:
            async with translated():
                found = await self._bot.fetch_channel(number)
        if not isinstance(found, discord.Thread):
            raise NotFound("thread_unknown", "It is gone.")
        async with translated():
            await found.edit(archived=True)
