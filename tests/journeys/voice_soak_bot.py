"""A bot as a program of its own that talks in one call, and says what it has become of.

Real packets, encryption, speech detection, turn taking and conversations; what recognises speech,
what speaks and the model are stand-ins. For each line on its standard input it prints one JSON
object. ``ACORE_SOAK_DATA`` names the folder it works in.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import discord

from frontends.discord.endpoints import point_at
from frontends.discord.voice.link import VoiceLink
from frontends.discord.voice.thread_turns import short_turns
from services.domain.clock import SystemClock
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.observability.metrics import Metrics
from services.settings import DiscordSettings, VoiceSettings
from services.storage.sqlite import use_modern_sqlite
from services.voice.call_events import CallEvent
from services.voice.engines.registry import build_probability
from services.voice.service import CallOpening, Engines, VoiceService
from services.voice.voices import Voices
from tests.bench.results import rss_mb
from tests.fakes.app import App, opened_app
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.speech import ScriptedCompletion
from tests.fakes.voice_engines import FakeEars, FakeSpeech
from tests.journeys.soak_report import open_files

HERE = ConversationId("discord", "soak", "call")
ANSWER = "That is good to hear, and there is more to it. The tide turns at nine. Come and see it."


def author_of(user_id: int) -> Author:
    return Author(id=AuthorId("discord", str(user_id)), display_name=f"user {user_id}")


class Bot:
    """The bot's parts, and what has happened to them."""

    def __init__(self, app: App, model: ScriptedModel) -> None:
        self.happened: Counter[str] = Counter()
        self._app = app
        self._model = model
        self._ears = FakeEars(default="tell me more about the tide", seconds=0.05)
        self._speech = FakeSpeech(seconds_per_character=0.03)
        factory = app.factory
        self.voice = VoiceService(
            Engines(
                speech=self._speech,
                ears=self._ears,
                completion=ScriptedCompletion(0.97),
                probability=build_probability(),
            ),
            conversations=app.conversations,
            library=factory.library(),
            voices=Voices(factory.scopes()),
            settings=VoiceSettings(),
            clock=factory.clock(),
            ids=factory.ids(),
        )

    def take(self, event: CallEvent) -> None:
        self.happened[type(event).__name__] += 1

    async def talk(self, client: discord.Client, channel_id: int) -> None:
        """Join, and take part until the input ends."""
        await client.wait_until_ready()
        channel = client.get_channel(channel_id)
        assert isinstance(channel, discord.VoiceChannel)
        link = await VoiceLink.connect(
            channel, author_of=author_of, clock=SystemClock(), metrics=Metrics()
        )
        await self.voice.warm()
        opening = CallOpening(conversation=HERE, present=frozenset, role=lambda _: Role.MEMBER)
        async with self.voice.call(opening, ears=link, mouth=link, on_event=self.take):
            while await asyncio.to_thread(sys.stdin.readline):
                sys.stdout.write(json.dumps(self._report(link)) + "\n")
                sys.stdout.flush()
        await self._app.conversations.drain(2.0)
        await link.close()
        await client.close()

    def _report(self, link: VoiceLink) -> dict[str, object]:
        """Return how it is, without what stand-ins keep."""
        for kept in (self._model.requests, self._ears.heard, self._speech.said):
            kept.clear()
        gc.collect()
        health = link.health()
        return {
            "rss_mb": rss_mb(),
            "threads": threading.active_count(),
            "files": open_files(),
            "tasks": len(asyncio.all_tasks()),
            "cpu": time.process_time(),
            "happened": dict(self.happened),
            "sessions": health.sessions,
            "connected": health.connected,
            "counts": asdict(health.counts),
        }


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
    model = ScriptedModel(lambda _: Script(text=ANSWER, token_seconds=0.02))
    limits = {"user_limit": 10**9, "channel_limit": 10**9}
    with short_turns():
        async with opened_app(Path(environ["ACORE_SOAK_DATA"]), model, gate=limits) as app:
            bot = Bot(app, model)
            client = discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.1)
            async with client, asyncio.TaskGroup() as group:
                group.create_task(client.start(environ["DISCORD_TOKEN"]))
                group.create_task(bot.talk(client, int(sys.argv[1])))


if __name__ == "__main__":
    use_modern_sqlite()
    asyncio.run(main())
