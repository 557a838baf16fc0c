"""Whom a message really mentions: its text, less what ``allowed_mentions`` forbids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.discord_standin.entities import Channel, Message
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.world import World

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


@dataclass(frozen=True, slots=True)
class Mentions:
    """Who is pinged."""

    users: list[int]
    roles: list[int]
    everyone: bool


def mentions_in(
    world: World,
    channel: Channel,
    message: Message,
    allowed: Mapping[str, Any] | None,
) -> Mentions:
    """Return whom the message pings.

    https://discord.com/developers/docs/resources/message#allowed-mentions-object
    """
    users = [each for each in _ids(_USER, message.content) if each in world.users]
    guild = world.guilds.get(channel.guild_id or 0)
    roles = [each for each in _ids(_ROLE, message.content) if guild and each in guild.roles]
    author_may = granted(world, message.author.id, channel) & Permission.MENTION_EVERYONE
    everyone = bool(_EVERYONE.search(message.content)) and (
        bool(author_may) or message.webhook_id is not None
    )
    replied = _replied_author(world, message)
    if allowed is None:
        return Mentions(_unique([*users, *replied]), roles, everyone)
    kinds = allowed.get("parse") or ()
    users = _allowed(users, "users" in kinds, allowed.get("users"))
    roles = _allowed(roles, "roles" in kinds, allowed.get("roles"))
    if allowed.get("replied_user"):
        users = _unique([*users, *replied])
    return Mentions(users, roles, everyone and "everyone" in kinds)


def _ids(pattern: re.Pattern[str], text: str) -> list[int]:
    return _unique(int(found) for found in pattern.findall(text))


def _unique(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))


def _allowed(found: list[int], every: object, listed: Iterable[object] | None) -> list[int]:
    if every:
        return found
    names = {int(str(each)) for each in listed or ()}
    return [each for each in found if each in names]


def _replied_author(world: World, message: Message) -> list[int]:
    if message.reference is None:
        return []
    channel_id, message_id = message.reference
    target = world.channels[channel_id].messages.get(message_id)
    return [target.author.id] if target and target.author.id in world.users else []
