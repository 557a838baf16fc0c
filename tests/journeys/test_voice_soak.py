"""A call that goes on and on: five people talk, some come and go, servers fail; nothing grows."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.voice.listening.samples import SAMPLE_RATE
from tests.bench.voice_corpus_texts import COMPLETE
from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_channel, add_member, add_user
from tests.discord_standin.people import Person
from tests.discord_standin.scene import Scene, scene
from tests.discord_standin.voice.links import Weather
from tests.discord_standin.voice.opcodes import Close
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import frames_of_pcm, to_stereo
from tests.fakes.real_voice import clip_of, real_speech

SECONDS = float(os.environ.get("ACORE_SOAK_SECONDS", "1800"))
SEED = 14
SPEAKERS = 5
SAMPLE_SECONDS = 1.0
CHANGE_SECONDS = 7.0
FAULT_SECONDS = 20.0
PATIENCE = 60.0
MOST_GROWTH = 5.0
# As the service files set it: an arena for every thread keeps memory that nobody uses any more.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(SECONDS * 1.5 + 300)]


class Soak:
    """The town, the people in its call, and the bot's process."""

    def __init__(self, town: Scene, lounge: Channel, process: asyncio.subprocess.Process) -> None:
        self.town = town
        self.lounge = lounge
        self.board = town.standin.gateway.voice
        self.rng = random.Random(SEED)
        self.faults: list[str] = []
        self.changes = 0
        self._process = process

    def newcomers(self, count: int) -> list[Person]:
        world = self.town.standin.world
        users = [add_user(world, f"Guest{number}") for number in range(count)]
        for user in users:
            add_member(world, self.town.guild, user)
        return [self.town.standin.person(user) for user in users]

    async def speaks(self, person: Person, speech: Sequence[Sequence[bytes]]) -> None:
        """Let somebody say one thing after the other."""
        while True:
            with suppress(KeyError):  # between two servers
                await person.voice.says(self.rng.choice(speech))
                person.voice.recorder.heard.clear()
            await asyncio.sleep(self.rng.expovariate(0.4))

    async def wanders(self, person: Person) -> None:
        """Let somebody come and go."""
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / CHANGE_SECONDS))
            person.joins_voice(self.lounge)
            await asyncio.sleep(self.rng.expovariate(1 / CHANGE_SECONDS))
            person.leaves_voice(self.town.guild)
            self.changes += 1

    async def fails(self) -> None:
        """Let servers fail, one after the other."""
        session = self.town.bot.user.id
        for name in itertools.cycle(("key", "session", "crash", "group")):
            await asyncio.sleep(self.rng.expovariate(1 / FAULT_SECONDS))
            with suppress(StopIteration, RuntimeError):  # while the bot is between two sessions
                match name:
                    case "key":
                        self.board.give_new_key(self.town.bot)
                    case "session":
                        self.board.servers[0].dismiss(session, Close.SESSION_INVALID)
                    case "crash":
                        self.board.servers[0].crash()
                    case "group":
                        self.board.call_in(self.lounge).group.found_anew()
                self.faults.append(name)
                self.board.client_of(self.town.bot).link.weather = Weather(
                    loss=0.01, reorder=0.01, padded=0.05, extended=0.5, jitter_seconds=0.01
                )

    async def asks(self) -> dict[str, Any]:
        """Return how the bot is."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"\n")
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        assert line, "the bot's process ended"
        found: dict[str, Any] = json.loads(line)
        return found


@asynccontextmanager
async def soaking(data: Path) -> AsyncIterator[Soak]:
    """Let the bot into the call of a town."""
    async with scene(limits=False, voice=VoiceSettings()) as town:
        lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
        log = data.with_suffix(".log")
        with log.open("wb") as complaints:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-W", "ignore", "-m", "tests.journeys.voice_soak_bot", str(lounge.id)),
                env={
                    **os.environ,
                    **ENVIRONMENT,
                    **town.standin.environment(town.bot),
                    "ACORE_SOAK_DATA": str(data),
                },
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaints,
            )
        try:
            call = town.standin.gateway.voice.call_in(lounge)
            async with asyncio.timeout(PATIENCE):
                while town.bot.user.id not in call.parties:
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.05)
            yield Soak(town, lounge, process)
            assert process.stdin
            process.stdin.close()
            assert await process.wait() == 0, log.read_text()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def speech() -> list[list[bytes]]:
    """Return what people say, as packets."""
    async with real_speech() as voice:
        clips = [await clip_of(voice, text) for text in COMPLETE]
    samples = [np.frombuffer(clip, "<i2").reshape(-1, 1) for clip in clips]
    return [frames_of_pcm(to_stereo(each, SAMPLE_RATE)) for each in samples]


async def test_half_an_hour_of_talk_leaves_nothing_behind(tmp_path):
    said = await speech()
    samples: list[dict[str, Any]] = []
    async with soaking(tmp_path / "bot") as soak:
        *speakers, wanderer = soak.newcomers(SPEAKERS + 1)
        for person in speakers:
            person.joins_voice(soak.lounge)
        async with asyncio.TaskGroup() as group:
            works = [soak.speaks(person, said) for person in speakers]
            works += [soak.wanders(wanderer), soak.fails()]
            tasks = [group.create_task(work) for work in works]
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                samples.append(await soak.asks())
                await asyncio.sleep(SAMPLE_SECONDS)
            for task in tasks:
                task.cancel()
        _check(samples, soak)


def _check(samples: list[dict[str, Any]], soak: Soak) -> None:
    """See that nothing has grown since the second quarter; ``scene`` sees that no nonce came twice.

    In a soak too short for caches to fill, memory alone is not judged.
    """
    warm = samples[len(samples) // 4 : len(samples) // 2]
    late = samples[-max(1, len(samples) // 10) :]
    growth = (_middle(late, "rss_mb") / _middle(warm, "rss_mb") - 1) * 100
    last = samples[-1]
    share = (last["cpu"] - samples[0]["cpu"]) / max(1.0, SECONDS) * 100
    shown = {
        "seconds": SECONDS,
        "rss_mb": [round(each["rss_mb"], 1) for each in samples[:: max(1, len(samples) // 30)]],
        "growth_percent": round(growth, 2),
        "threads": sorted({each["threads"] for each in samples}),
        "files": sorted({each["files"] for each in samples}),
        "tasks": sorted({each["tasks"] for each in samples}),
        "cpu_percent": round(share, 1),
        "changes": soak.changes,
        "faults": len(soak.faults),
        "last": last,
    }
    sys.stdout.write(json.dumps(shown) + "\n")
    for kind in ("threads", "files"):
        assert max(each[kind] for each in late) <= max(each[kind] for each in warm) + 2
    assert last["connected"]
    assert last["happened"]["AnswerBegun"] > SECONDS / 20
    assert last["counts"]["overflowed"] == 0
    assert "Troubled" not in last["happened"]
    assert growth < MOST_GROWTH


def _middle(samples: Sequence[dict[str, Any]], kind: str) -> float:
    values = sorted(float(each[kind]) for each in samples)
    return values[len(values) // 2]
