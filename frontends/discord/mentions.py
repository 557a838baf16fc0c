"""Discord's markup as words that a model and a memory can use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import discord

_LONGEST_QUOTE = 500
_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_CHANNEL = re.compile(r"<#(\d+)>")
_EMOJI = re.compile(r"<a?:(\w+):\d+>")
_TIME = re.compile(r"<t:(-?\d{1,11})(?::[a-zA-Z])?>")
_COMMAND = re.compile(r"</([\w -]+):\d+>")


def readable(message: discord.Message, *, me: int, name: str) -> str:
    """Return a message's text with names instead of ids.

    People are named with their id, since tools need it. The bot itself is left out at the start
    and the end and called ``name`` in between.
    """
    text = message.content
    if "<" in text:
        users = {user.id: user.display_name for user in message.mentions}
        text = _without_me(text, me, name)
        text = _USER.sub(lambda found: _person(users, int(found[1])), text)
        roles = {role.id: role.name for role in message.role_mentions}
        text = _ROLE.sub(lambda found: f"@{roles.get(int(found[1]), 'role')}", text)
        channels = {one.id: getattr(one, "name", "channel") for one in message.channel_mentions}
        text = _CHANNEL.sub(lambda found: f"#{channels.get(int(found[1]), 'channel')}", text)
        text = _EMOJI.sub(r":\1:", text)
        text = _TIME.sub(lambda found: _moment(int(found[1])), text)
        text = _COMMAND.sub(r"/\1", text)
    for sticker in message.stickers:
        text = f"{text}\n[sticker: {sticker.name}]".strip()
    for snapshot in message.message_snapshots:
        text = f"{text}\n[forwarded: {snapshot.content[:_LONGEST_QUOTE]}]".strip()
    return text


def quoted(message: discord.Message, *, me: int, name: str) -> str:
    """Return the beginning of a message that another one replies to, as a quotation."""
    text = readable(message, me=me, name=name)[:_LONGEST_QUOTE]
    lines = "\n".join(f"> {line}" for line in text.splitlines() if line.strip())
    return f"> {message.author.display_name}:\n{lines}" if lines else ""


def _without_me(text: str, me: int, name: str) -> str:
    own = rf"<@!?{me}>"
    text = re.sub(rf"\A(?:\s*{own}[\s,:]*)+", "", text)
    text = re.sub(rf"(?:\s*{own}\s*)+\Z", "", text)
    return re.sub(own, lambda _: f"@{name}", text)


def _person(users: Mapping[int, str], user: int) -> str:
    return f"@{users.get(user, 'somebody')} (id {user})"


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return "some time"
