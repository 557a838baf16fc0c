"""A bot as a program of its own that listens in a voice channel and says what that took.

For each line on its standard input it prints, as JSON, its processor seconds so far, those of the
thread that reads packets, and when, in seconds of ``time.monotonic``, it could fetch each frame
since the last line, by user.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections import defaultdict
from contextlib import aclosing

import discord
from discord.voice_state import SocketReader

from frontends.discord.endpoints import point_at
from frontends.discord.voice.link import VoiceLink
from frontends.discord.voice.thread_turns import short_turns
from services.domain.clock import SystemClock
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.observability.metrics import Metrics
from services.settings import DiscordSettings


def _author(user_id: int) -> Author:
    return Author(id=AuthorId("discord", str(user_id)), display_name=str(user_id))


def _reader_seconds() -> float:
    readers = (each for each in threading.enumerate() if isinstance(each, SocketReader))
    idents = [each.ident for each in readers if each.ident is not None]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(each)) for each in idents)


async def listen(client: discord.Client, channel_id: int) -> None:
    """Join, and listen until the input ends."""
    await client.wait_until_ready()
    channel = client.get_channel(channel_id)
    assert isinstance(channel, discord.VoiceChannel)
    link = await VoiceLink.connect(
        channel, author_of=_author, clock=SystemClock(), metrics=Metrics()
    )
    moments: defaultdict[str, list[float]] = defaultdict(list)

    async def hear() -> None:
        async with aclosing(link.frames()) as frames:
            async for each in frames:
                moments[each.speaker.id.user].append(time.monotonic())

    async def answer() -> None:
        while await asyncio.to_thread(sys.stdin.readline):
            spent = {"all": time.process_time(), "reader": _reader_seconds()}
            sys.stdout.write(json.dumps({"spent": spent, "moments": dict(moments)}) + "\n")
            sys.stdout.flush()
            moments.clear()
        await link.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(hear())
        group.create_task(answer())
    await client.close()


async def main() -> None:
    """Log in where the environment says."""
    environ = os.environ
    point_at(
        DiscordSettings(
            api_url=environ["ACORE_DISCORD__API_URL"],
            gateway_url=environ["ACORE_DISCORD__GATEWAY_URL"],
            cdn_url=environ["ACORE_DISCORD__CDN_URL"],
        )
    )
    client = discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.1)
    with short_turns():
        async with client, asyncio.TaskGroup() as group:
            group.create_task(client.start(environ["DISCORD_TOKEN"]))
            group.create_task(listen(client, int(sys.argv[1])))


if __name__ == "__main__":
    asyncio.run(main())
