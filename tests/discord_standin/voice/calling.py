"""Fake people go into voice channels and moderate them."""

from __future__ import annotations

from tests.discord_standin.acting import Actor
from tests.discord_standin.entities import Bot, Channel, Guild, User
from tests.discord_standin.permissions import Permission
from tests.discord_standin.voice.handset import Handset


class Caller(Actor):
    """Deeds around voice channels; sound goes through ``voice``."""

    @property
    def voice(self) -> Handset:
        """What this person speaks and hears with; after a move of region it is another."""
        return self._site.gateway.voice.handsets[self.user.id]

    def joins_voice(self, channel: Channel) -> Handset | None:
        """Go into a channel, from another one if need be; None where there is no voice server."""
        self._needs(channel, Permission.CONNECT)
        return self._site.gateway.voice.put(self.user, channel, self._guild_of(channel))

    def leaves_voice(self, guild: Guild) -> None:
        """Hang up."""
        self._site.gateway.voice.put(self.user, None, guild)

    def disconnects(self, user: User, guild: Guild) -> None:
        """Throw somebody out of voice."""
        self._needs_in(guild, Permission.MOVE_MEMBERS)
        self._site.gateway.voice.disconnect(user, guild)

    async def moves(self, bot: Bot, channel: Channel) -> None:
        """Move a bot into another voice channel."""
        self._needs(channel, Permission.MOVE_MEMBERS)
        await self._site.gateway.voice.move(bot, channel)

    def silences(self, user: User, guild: Guild, *, mute: bool = False, deaf: bool = False) -> None:
        """Mute or deafen somebody for all, or undo it."""
        self._needs_in(guild, Permission.MUTE_MEMBERS)
        self._site.gateway.voice.silence(user, guild, mute=mute, deaf=deaf)

    def _guild_of(self, channel: Channel) -> Guild:
        assert channel.guild_id is not None
        return self._world.guilds[channel.guild_id]
