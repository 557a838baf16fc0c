"""Fake people who run a guild: members, roles, channels, webhooks and pins."""

from __future__ import annotations

from tests.discord_standin.acting import Actor, CannotDoThat
from tests.discord_standin.actions import channels, guilds, pins
from tests.discord_standin.entities import (
    Channel,
    ChannelType,
    Guild,
    Message,
    Overwrite,
    Role,
    User,
    Webhook,
)
from tests.discord_standin.founding import add_channel, add_role
from tests.discord_standin.permissions import Permission


class Keeper(Actor):
    """Deeds that change the guild itself; each needs its permission."""

    def joins(self, guild: Guild) -> None:
        if self.user.id in guild.banned:
            raise CannotDoThat("banned")
        guilds.join(self._site, guild, self.user)

    def leaves(self, guild: Guild) -> None:
        guilds.leave(self._site, guild, self.user)

    def throws_out(self, guild: Guild, user: User) -> None:
        """Remove a member, who may come back."""
        self._needs_in(guild, Permission.KICK_MEMBERS)
        guilds.leave(self._site, guild, user)

    def bans(self, guild: Guild, user: User, *, banned: bool = True) -> None:
        """Ban somebody, or take the ban back."""
        self._needs_in(guild, Permission.BAN_MEMBERS)
        guilds.ban(self._site, guild, user, banned=banned)

    def opens_channel(
        self, guild: Guild, name: str, *, kind: ChannelType = ChannelType.TEXT
    ) -> Channel:
        self._needs_in(guild, Permission.MANAGE_CHANNELS)
        channel = add_channel(self._world, guild, name, kind=kind)
        channels.opened(self._site, channel)
        return channel

    def changes_channel(
        self,
        channel: Channel,
        *,
        name: str | None = None,
        topic: str | None = None,
        slowmode_seconds: int | None = None,
    ) -> None:
        """Change a channel or thread; None leaves things as they are."""
        self._needs(
            channel, Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
        )
        channel.name = name or channel.name
        channel.topic = channel.topic if topic is None else topic
        if slowmode_seconds is not None:
            channel.slowmode_seconds = slowmode_seconds
        channels.changed(self._site, channel)

    def closes(self, channel: Channel) -> None:
        """Delete a channel with its threads and webhooks, or a thread."""
        self._needs(
            channel, Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
        )
        channels.close(self._site, channel)

    def overwrites(
        self, channel: Channel, whom: Role | User, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Allow or deny something in one channel; neither takes the overwrite away."""
        self._needs(channel, Permission.MANAGE_ROLES)
        if allow or deny:
            of_member = isinstance(whom, User)
            channel.overwrites[whom.id] = Overwrite(
                id=whom.id, of_member=of_member, allow=int(allow), deny=int(deny)
            )
        else:
            channel.overwrites.pop(whom.id, None)
        channels.changed(self._site, channel)

    def makes_role(self, guild: Guild, name: str, *, permissions: int = 0) -> Role:
        self._needs_in(guild, Permission.MANAGE_ROLES)
        role = add_role(self._world, guild, name, permissions=int(permissions))
        guilds.role_changed(self._site, guild, role, created=True)
        return role

    def changes_role(self, guild: Guild, role: Role, *, permissions: int) -> None:
        self._needs_in(guild, Permission.MANAGE_ROLES)
        role.permissions = int(permissions)
        guilds.role_changed(self._site, guild, role)

    def deletes_role(self, guild: Guild, role: Role) -> None:
        self._needs_in(guild, Permission.MANAGE_ROLES)
        guilds.delete_role(self._site, guild, role)

    def gives_role(self, guild: Guild, user: User, role: Role, *, given: bool = True) -> None:
        """Give a member a role, or take it away."""
        self._needs_in(guild, Permission.MANAGE_ROLES)
        member = guild.members[user.id]
        others = [each for each in member.roles if each != role.id]
        member.roles = [*others, role.id] if given else others
        guilds.member_changed(self._site, guild, member)

    def deletes_webhook(self, webhook: Webhook) -> None:
        self._needs(self._world.channels[webhook.channel_id], Permission.MANAGE_WEBHOOKS)
        channels.delete_webhook(self._site, webhook)

    def pins(self, message: Message, *, pinned: bool = True) -> None:
        """Pin a message, or take the pin away."""
        self._needs(self._world.channels[message.channel_id], Permission.PIN_MESSAGES)
        if pinned:
            pins.pin(self._site, message, self.user)
        else:
            pins.unpin(self._site, message)
