"""What tests of talking in Discord look for and wait for."""

from __future__ import annotations

from collections.abc import Callable

from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.people.scopes import ScopeKind
from tests.discord_standin.entities import Channel, Message
from tests.discord_standin.scene import Scene
from tests.fakes.discord_app import DiscordApp

ADMIN = Author(id=AuthorId("discord", "1"), display_name="Admin")
PATIENCE = 30.0


def here(channel: Channel) -> ConversationId:
    """Return the conversation held in a server's channel."""
    return ConversationId("discord", str(channel.guild_id), str(channel.id))


async def choose(home: DiscordApp, channel: Channel, **choices: str) -> None:
    """Let a channel choose settings."""
    for name, value in choices.items():
        await home.app.factory.places().change(
            here(channel), name, value, width=ScopeKind.CHANNEL, by=ADMIN, role=Role.ADMIN
        )


def finished(message: Message) -> bool:
    """Tell whether a message ends an answer, by its buttons."""
    labels = [part["label"] for row in message.components for part in row["components"]]
    return "🔁" in labels


def by_us(channel: Channel) -> list[Message]:
    """Return what bots and faces have posted."""
    return [one for one in channel.messages.values() if one.author.bot]


def answers_to(channel: Channel, asked: Message) -> list[Message]:
    """Return the bot's own replies to a message."""
    return [one for one in by_us(channel) if one.reference and one.reference[1] == asked.id]


async def until(town: Scene, condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    await town.standin.changes.until(condition, seconds=PATIENCE)


async def whole(town: Scene, channel: Channel | None = None, *, count: int = 1) -> list[Message]:
    """Wait until there are ``count`` finished answers, and return what was posted."""
    place = channel or town.general
    await until(town, lambda: sum(map(finished, by_us(place))) >= count)
    return by_us(place)
