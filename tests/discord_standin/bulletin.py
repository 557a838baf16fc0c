"""What somebody at a terminal reads of a world: messages that come, change and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tests.discord_standin.entities import Channel, ChannelType, Message
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.world import World

_BUTTON, _TEXT = 2, 10
_MENUS = (3, 5, 6, 7, 8)
_LOOKED_AT = 50
"""So many of a channel's youngest messages are watched for changes."""


class Bulletin:
    """Writes a line per message that is new or different since it last looked."""

    def __init__(self, world: World, write: Callable[[str], None]) -> None:
        self._world = world
        self._write = write
        self._shown: dict[int, str] = {}

    def look(self) -> None:
        """Write what changed, in the order of the channels."""
        seen: dict[int, str] = {}
        for channel in list(self._world.channels.values()):
            youngest = list(islice(reversed(channel.messages.values()), _LOOKED_AT))
            for message in reversed(youngest):
                seen[message.id] = text = self._line(channel, message)
                before = self._shown.get(message.id)
                if before != text:
                    self._write(text if before is None else f"{text} (changed)")
        for gone, text in self._shown.items():
            if gone not in seen and not self._kept(gone):
                self._write(f"{text} (deleted)")
        self._shown = seen

    def _kept(self, message_id: int) -> bool:
        return any(message_id in channel.messages for channel in self._world.channels.values())

    def _line(self, channel: Channel, message: Message) -> str:
        face = f"{message.author.username} (APP)" if message.author.bot else message.author.username
        parts = [f"{place_name(self._world, channel)} {face}: {message.content}".rstrip()]
        for embed in message.embeds:
            texts = (embed.get("title"), embed.get("description"))
            parts.append("{" + ": ".join(text for text in texts if text) + "}")
        parts += [f"<{attachment.filename}>" for attachment in message.attachments]
        texts_shown = (each for each in walk(message.components) if each["type"] == _TEXT)
        parts += [str(each["content"]) for each in texts_shown]
        parts += [f"[{number} {name}]" for number, name in enumerate(_names(message), 1)]
        parts += [f"{emoji}x{len(users)}" for emoji, users in message.reactions.items()]
        if message.shown_only_to is not None:
            parts.append(f"(only {self._world.users[message.shown_only_to].username} sees this)")
        return " ".join(parts)


def controls_of(message: Message) -> list[dict[str, Any]]:
    """Return the buttons and menus of a message, in order; links are none."""
    found = [dict(each) for each in walk(message.components)]
    return [each for each in found if each["type"] in (_BUTTON, *_MENUS) and "custom_id" in each]


def place_name(world: World, channel: Channel) -> str:
    """Return how people call a channel: #name, or @name of those who talk directly."""
    if channel.type == ChannelType.DIRECT:
        return "@" + "+".join(world.users[each].username for each in channel.recipients)
    return f"#{channel.name}"


def _names(message: Message) -> Iterator[str]:
    for control in controls_of(message):
        emoji = (control.get("emoji") or {}).get("name")
        name = control.get("label") or emoji or control.get("placeholder") or control["custom_id"]
        yield f"{name} off" if control.get("disabled") else str(name)
