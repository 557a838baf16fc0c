"""Everything there is on the stand-in: pure state, without sockets, JSON or events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from services.domain.clock import Clock
from tests.discord_standin.entities import (
    Bot,
    Channel,
    ChannelType,
    Command,
    Emoji,
    Guild,
    Interaction,
    Member,
    Message,
    Presence,
    User,
    Webhook,
)
from tests.discord_standin.snowflakes import SnowflakeSource

_HISTORY_LIMIT: Final = 5_000


class World:
    """Everything there is, and how it comes to be; ids come from the injected clock."""

    def __init__(self, clock: Clock, *, history_limit: int = _HISTORY_LIMIT) -> None:
        self.clock = clock
        self.ids = SnowflakeSource(clock)
        self.users: dict[int, User] = {}
        self.bots: dict[str, Bot] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.emojis: dict[int, Emoji] = {}
        self.commands: dict[int, Command] = {}
        self.interactions: dict[int, Interaction] = {}
        self.presences: dict[int, Presence] = {}
        self.avatars: dict[str, bytes | str] = {}
        self._history_limit = history_limit

    def channels_of(self, guild_id: int) -> list[Channel]:
        """Return a guild's channels, threads left out."""
        return [c for c in self.channels.values() if c.guild_id == guild_id and not c.thread]

    def threads_of(self, guild_id: int) -> list[Channel]:
        """Return a guild's threads that are not archived."""
        return [
            channel
            for channel in self.channels.values()
            if channel.guild_id == guild_id and channel.thread and not channel.thread.archived
        ]

    def guilds_of(self, user_id: int) -> list[Guild]:
        """Return the guilds somebody is in."""
        return [guild for guild in self.guilds.values() if user_id in guild.members]

    def webhooks_of(self, channel_id: int) -> list[Webhook]:
        """Return a channel's webhooks, oldest first."""
        return [hook for hook in self.webhooks.values() if hook.channel_id == channel_id]

    def emojis_of(self, application_id: int) -> list[Emoji]:
        """Return an application's emojis, oldest first."""
        return [each for each in self.emojis.values() if each.application_id == application_id]

    def commands_of(self, application_id: int, guild_id: int | None) -> list[Command]:
        """Return the commands registered in exactly this scope."""
        return [
            command
            for command in self.commands.values()
            if command.application_id == application_id and command.guild_id == guild_id
        ]

    def direct_channel(self, one: int, other: int) -> Channel:
        """Return the direct conversation of two users, opening it where there is none."""
        pair = {one, other}
        for channel in self.channels.values():
            if channel.type == ChannelType.DIRECT and set(channel.recipients) == pair:
                return channel
        channel = Channel(id=self.ids.next(), type=ChannelType.DIRECT, recipients=(one, other))
        self.channels[channel.id] = channel
        return channel

    def bot_of(self, application_id: int) -> Bot:
        """Return the bot of an application."""
        return next(bot for bot in self.bots.values() if bot.application_id == application_id)

    def interaction_with(self, token: str) -> Interaction | None:
        """Return the interaction a token belongs to."""
        youngest_first = reversed(self.interactions.values())
        return next((each for each in youngest_first if each.token == token), None)

    def add_avatar(self, source: bytes | str) -> str:
        """Keep an image, or the address of one, and return its hash."""
        data = source.encode() if isinstance(source, str) else source
        name = hashlib.sha256(data).hexdigest()[:32]
        self.avatars[name] = source
        return name

    def keep(self, message: Message) -> None:
        """Put a message at the end of its channel, dropping the oldest past the limit."""
        messages = self.channels[message.channel_id].messages
        messages[message.id] = message
        while len(messages) > self._history_limit:
            del messages[next(iter(messages))]

    def find_users(self, guild: Guild, prefix: str, limit: int) -> Iterable[Member]:
        """Yield members whose name or nick begins with ``prefix``, whatever its case."""
        wanted = prefix.casefold()
        found = 0
        for member in guild.members.values():
            names = (self.users[member.user_id].username, member.nick or "")
            if any(name.casefold().startswith(wanted) for name in names) and (
                not limit or found < limit
            ):
                found += 1
                yield member
