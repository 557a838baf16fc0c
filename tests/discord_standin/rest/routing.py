"""What a route is, and what its handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.discord_standin import errors
from tests.discord_standin.entities import Bot, Channel, ChannelType, Guild, Message, User
from tests.discord_standin.limits import Limit
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.site import Site

_GUILD_ONLY = Permission.MANAGE_WEBHOOKS | Permission.MANAGE_CHANNELS


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart request."""

    filename: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request; lookups raise the error Discord answers with."""

    site: Site
    bot: Bot | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    files: Mapping[int, Upload] = field(default_factory=dict)

    @property
    def caller(self) -> Bot:
        """The bot whose token the request carries."""
        if self.bot is None:
            raise errors.unauthorized()
        return self.bot

    @property
    def user(self) -> User:
        """The bot's user."""
        return self.caller.user

    @property
    def view(self) -> View:
        """The world as the caller sees it; without a token as a stranger."""
        return self.site.view(self.bot.user.id if self.bot else 0)

    @property
    def fields(self) -> Json:
        """The body as an object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise errors.invalid_json()
        return self.body

    def id(self, name: str) -> int:
        """Return an id out of the path."""
        value = self.path[name]
        if value == "@me":
            return self.user.id
        if not value.isdecimal():
            raise errors.invalid_form(
                name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.'
            )
        return int(value)

    def channel(self, *needed: Permission) -> Channel:
        """Return the channel of the path, seen by the caller and with these permissions."""
        found = self.site.world.channels.get(self.id("channel_id"))
        if found is None:
            raise errors.unknown_channel()
        self.demand(found, *needed)
        return found

    def demand(self, channel: Channel, *needed: Permission) -> None:
        """Refuse a caller who does not see the channel or lacks a permission."""
        has = granted(self.site.world, self.user.id, channel)
        if not has & Permission.VIEW_CHANNEL:
            raise errors.missing_access()
        for permission in needed:
            if channel.type == ChannelType.DIRECT and permission & _GUILD_ONLY:
                raise errors.DiscordError(403, 50003, "Cannot execute action on a DM channel")
            if not has & permission:
                raise errors.missing_permissions()

    def message(self, channel: Channel) -> Message:
        """Return the message of the path; ephemeral ones do not exist here."""
        found = channel.messages.get(self.id("message_id"))
        if found is None or found.shown_only_to is not None:
            raise errors.unknown_message()
        return found

    def guild(self) -> Guild:
        """Return the guild of the path; the caller is in it."""
        found = self.site.world.guilds.get(self.id("guild_id"))
        if found is None:
            raise errors.unknown_guild()
        if self.user.id not in found.members:
            raise errors.missing_access()
        return found


Answer: TypeAlias = Json | list[Json] | None
Handler: TypeAlias = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A route by its template in Discord's OpenAPI document; None answers 204."""

    method: str
    template: str
    handler: Handler
    limit: Limit | None = None
    authorised: bool = True
    status: int = 200
