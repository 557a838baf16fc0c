"""What every kind of deed of a fake person stands on."""

from __future__ import annotations

from tests.discord_standin.entities import Channel, Guild, Message, User
from tests.discord_standin.permissions import Permission, granted, in_guild
from tests.discord_standin.site import Site
from tests.discord_standin.world import World


class CannotDoThat(Exception):  # noqa: N818
    """A real client would not have offered this."""


class Actor:
    """A user's eyes and rights."""

    def __init__(self, site: Site, user: User) -> None:
        self._site = site
        self.user = user

    @property
    def _world(self) -> World:
        return self._site.world

    def sees(self, message: Message) -> bool:
        """Say whether a message is there for this person."""
        channel = self._world.channels.get(message.channel_id)
        if channel is None or message.id not in channel.messages:
            return False
        visible = granted(self._world, self.user.id, channel) & Permission.VIEW_CHANNEL
        return bool(visible) and message.shown_only_to in (None, self.user.id)

    def _needs(self, channel: Channel, permission: Permission) -> None:
        if not granted(self._world, self.user.id, channel) & permission:
            raise CannotDoThat(f"{permission.name} is missing")

    def _needs_in(self, guild: Guild, permission: Permission) -> None:
        member = guild.members.get(self.user.id)
        if member is None or not in_guild(guild, member) & permission:
            raise CannotDoThat(f"{permission.name} is missing")
