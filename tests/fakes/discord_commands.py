"""The bot in the stand-in once its commands are offered, and short ways to read answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from frontends.discord import bot
from frontends.discord.places import place_of
from services.domain.ids import ConversationId
from services.llm.model import ChatModel
from tests.discord_standin.entities import Attachment, Channel, Interaction, Message
from tests.discord_standin.founding import add_member, add_user
from tests.discord_standin.people import Person
from tests.discord_standin.scene import Scene
from tests.fakes.discord_app import DiscordApp, discord_app

PATIENCE = 20.0

T = TypeVar("T")


@asynccontextmanager
async def command_app(
    town: Scene, model: ChatModel, data: Path, **options: Any
) -> AsyncIterator[DiscordApp]:
    """Open ``discord_app`` and wait until its commands are there, which it registers at once."""
    with patch.object(bot, "_SETTLING_SECONDS", 0.0):
        async with discord_app(town, model, data, **options) as live:
            world, application = town.standin.world, town.bot.application_id
            await town.until(lambda: world.commands_of(application, None))
            yield live


async def told(town: Scene, person: Person, asked: Interaction, *, count: int = 1) -> list[str]:
    """Return what a person sees of the answers to a command, once there are so many with text."""

    def seen() -> list[str]:
        return [one.content for one in person.answers_to(asked) if one.content]

    await town.until(lambda: len(seen()) >= count)
    return seen()


async def used(
    town: Scene, person: Person, name: str, /, channel: Channel | None = None, **options: Any
) -> str:
    """Let a person use a command and return the first answer to it."""
    asked = person.uses(channel or town.general, town.bot, name, **options)
    return (await told(town, person, asked))[0]


async def answer_in(town: Scene, channel: Channel, words: str) -> Message:
    """Return the answer that holds ``words``, once it stands with its buttons."""

    def found() -> list[Message]:
        return [
            one
            for one in channel.messages.values()
            if words in one.content and "acore:again" in str(one.components)
        ]

    await town.until(found)
    return found()[0]


def attached(
    person: Person, channel: Channel, name: str, content: bytes, kind: str = "application/json"
) -> Attachment:
    """Return a file that a person has uploaded, to be an option of a command."""
    return person.says(channel, files=[(name, content, kind)]).attachments[0]


def conversation_in(live: DiscordApp, channel: Channel) -> ConversationId:
    """Return the conversation held in a channel of a guild."""
    place = place_of(live.bot.get_channel(channel.id), None)
    assert place is not None
    return place.conversation


def newcomer(town: Scene, name: str) -> Person:
    """Add a member to the guild."""
    user = add_user(town.standin.world, name)
    add_member(town.standin.world, town.guild, user)
    return town.standin.person(user)


async def eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """Return what ``look`` finds, once it finds something."""
    async with asyncio.timeout(PATIENCE):
        while (found := await look()) is None:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.02)
    return found
