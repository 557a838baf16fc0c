"""What Discord tells that calls have to hear of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from frontends.discord.voice.talk_button import TalkButton

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class CallNews(commands.Cog):
    """Hands news on to the calls, which end with it."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        """Have the button of calls heard."""
        self._bot.add_dynamic_items(TalkButton)

    async def cog_unload(self) -> None:
        """Leave every call."""
        await self._bot.calls.close()

    @commands.Cog.listener()
    async def on_voice_state_update(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Heed who comes and goes."""
        await self._bot.calls.voice_state_changed(member, before, after)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Join where that was chosen and people are already."""
        await self._bot.calls.rejoin()

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Leave a channel that is gone."""
        self._bot.calls.channel_deleted(channel)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Leave a server that has us no more."""
        self._bot.calls.guild_left(guild.id)
