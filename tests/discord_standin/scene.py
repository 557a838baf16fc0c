"""A small world to test in, and a discord.py client that lives in it."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord

from tests.discord_standin.entities import Bot, Channel, Guild, Message
from tests.discord_standin.founding import add_bot, add_channel, add_guild, add_user
from tests.discord_standin.heartbeats import heartbeats_ended
from tests.discord_standin.people import Person
from tests.discord_standin.pointing import discord_py_at
from tests.discord_standin.server import Standin
from tests.discord_standin.validation import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A guild that Alice owns, with Bob, a bot, and the channel #general."""

    standin: Standin
    bot: Bot
    alice: Person
    bob: Person
    guild: Guild
    general: Channel

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds; it is judged after every change."""
        await self.standin.changes.until(condition)

    async def sent(self, channel: Channel | None = None, *, count: int = 1) -> list[Message]:
        """Wait until the bot has so many messages in a channel, and return them."""
        place = channel or self.general

        def of_bot() -> list[Message]:
            return [each for each in place.messages.values() if each.author.bot]

        await self.until(lambda: len(of_bot()) >= count)
        return of_bot()


@asynccontextmanager
async def scene(**options: Any) -> AsyncIterator[Scene]:
    """Set the scene; at the end, every exchange must have kept Discord's contract.

    Args:
        **options: Those of ``Standin``. Without ACORE_TEST_DATA nothing is validated.
    """
    standin = Standin(contract=known_contract(), **options)
    world = standin.world
    bot = add_bot(world, "Eos")
    alice, bob = add_user(world, "Alice"), add_user(world, "Bob")
    guild = add_guild(world, "Playground", owner=alice, members=(bob, bot.user))
    general = add_channel(world, guild, "general")
    try:
        async with standin:
            yield Scene(
                standin=standin,
                bot=bot,
                alice=standin.person(alice),
                bob=standin.person(bob),
                guild=guild,
                general=general,
            )
    finally:
        _end_heartbeats()
    if problems := [*standin.api.problems, *standin.gateway.voice.problems]:
        raise AssertionError("\n".join(problems))


@asynccontextmanager
async def living(client: discord.Client, standin: Standin, bot: Bot) -> AsyncIterator[None]:
    """Let a client log in, and log it out at the end."""
    with discord_py_at(standin):
        async with asyncio.TaskGroup() as group, client:
            running = group.create_task(client.start(bot.token))
            ready = group.create_task(client.wait_until_ready())
            await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                ready.cancel()
                running.result()
            yield
            await client.close()
            await _end_of_waiting(client)
            await heartbeats_ended()


async def _end_of_waiting(client: discord.Client) -> None:
    """End what discord.py leaves running when it is closed while guilds still arrive."""
    waiting = client._connection._ready_task
    if waiting is not None:
        waiting.cancel()
        await asyncio.wait([waiting])


def _end_heartbeats() -> None:
    """End the threads of connections that discord.py gave up without closing them.

    Their next beat, forty seconds later, would fail some other test.
    """
    for thread in threading.enumerate():
        if isinstance(thread, discord.gateway.KeepAliveHandler):
            thread.stop()


@functools.cache
def known_contract() -> Contract | None:
    """Return Discord's contract, where the folder of real data is known and holds it."""
    document = Path(os.environ.get("ACORE_TEST_DATA", "")) / "discord-openapi.json"
    return Contract.read(document) if document.is_file() else None
