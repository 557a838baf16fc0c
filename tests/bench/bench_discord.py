"""The bot as a program of its own in a Discord on loopback: how fast, how light, how sure.

A model server on loopback answers at once or after 0.2 s; it takes as many calls as come.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import Figure, median, percentile, report, rss_mb
from tests.discord_standin.entities import Bot, Channel, Guild, Message
from tests.discord_standin.founding import (
    add_bot,
    add_channel,
    add_guild,
    add_member,
    add_role,
    add_user,
)
from tests.discord_standin.people import Person
from tests.discord_standin.server import Standin
from tests.fakes.ollama_server import Answer, FakeOllama

GUILDS = 10
MEMBERS = 1000
CHANNELS = 20
PATIENCE = 60.0
MANAGE_WEBHOOKS = 1 << 29
MAIN = Path(__file__).parents[2] / "main.py"


@dataclass
class Town:
    """Ten servers of a thousand members, twenty channels each."""

    standin: Standin
    bot: Bot
    alice: Person
    guilds: Sequence[Guild]
    channels: Sequence[Channel]

    async def until(self, condition) -> None:
        await self.standin.changes.until(condition, seconds=PATIENCE)

    async def answered(self, channel: Channel, after: int, *, count: int = 1) -> list[Message]:
        """Wait for words of the bot, or of one of its faces, newer than a message."""

        def found() -> list[Message]:
            return [
                one
                for one in reversed(channel.messages.values())
                if one.id > after and one.author.id != self.alice.user.id and one.content
            ]

        await self.until(lambda: len(found()) >= count)
        return found()


@asynccontextmanager
async def town(*, faces: bool = False) -> AsyncIterator[Town]:
    """Found the town."""
    standin = Standin()
    world = standin.world
    bot = add_bot(world, "Eos")
    alice = add_user(world, "Alice")
    crowd = [add_user(world, f"Person{number}") for number in range(MEMBERS)]
    guilds = [
        add_guild(world, f"Guild{n}", owner=alice, members=(bot.user,)) for n in range(GUILDS)
    ]
    for guild in guilds:
        for user in crowd:
            add_member(world, guild, user)
        if faces:
            role = add_role(world, guild, "faces", permissions=MANAGE_WEBHOOKS)
            guild.members[bot.user.id].roles.append(role.id)
    channels = [
        add_channel(world, guild, f"channel{number}")
        for guild in guilds
        for number in range(CHANNELS)
    ]
    async with standin:
        yield Town(standin, bot, standin.person(alice), guilds, channels)


@dataclass
class Running:
    """The program."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def lag(self) -> dict[float, float]:
        """Return how many samples of the loop's lag were within each bound so far."""
        url = f"http://127.0.0.1:{self.port}/metrics"
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read())
        found = re.findall(
            r'acore_event_loop_lag_seconds_bucket\{le="([^"]+)"\} ([\d.e+]+)', page.decode()
        )
        return {float(bound): float(count) for bound, count in found}


@asynccontextmanager
async def program(place: Town, model: str, **changes: str) -> AsyncIterator[Running]:
    """Run the bot until the block ends."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ACORE_")},
            **place.standin.environment(place.bot),
            "OLLAMA_HOST": model,
            "OLLAMA_MODEL": "tiny",
            "ACORE_LLM__EMBEDDED": "never",
            "ACORE_LLM__CONCURRENCY": "64",
            "ACORE_CONSOLE__ENABLED": "false",
            "ACORE_WEB__PORT": str(port),
            "ACORE_HOUSEKEEPING__ENABLED": "false",
            "ACORE_GATE__USER_LIMIT": "100000",
            "ACORE_GATE__CHANNEL_LIMIT": "100000",
            "MALLOC_ARENA_MAX": "2",
            **changes,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(MAIN), "run", "--data", f"{folder}/data", env=env, cwd=folder
        )
        try:
            yield Running(process, port)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def starting(place: Town, model: FakeOllama) -> list[Figure]:
    """Time the first answer after READY, and weigh the program before it."""
    async with program(place, model.url) as running:
        await place.until(lambda: place.standin.gateway.sessions)
        await asyncio.sleep(5.0)
        weight = rss_mb(running.pid)
    place.standin.gateway.sessions.clear()
    async with program(place, model.url):
        await place.until(lambda: place.standin.gateway.sessions)
        ready = time.perf_counter()
        asked = place.alice.mentions(place.channels[0], place.bot.user, "Hello?")
        await place.answered(place.channels[0], asked.id)
        first = time.perf_counter() - ready
    return [
        Figure(name="first words after READY", value=first, unit="s", target=0.3),
        Figure(name="RSS, 10 servers of 1,000 members", value=weight, unit="MB", target=160.0),
    ]


async def first_words(place: Town, model: FakeOllama, name: str, rounds: int) -> list[Figure]:
    """Time from a message to the first visible text with a model that answers at once."""
    waits = []
    async with program(place, model.url):
        await place.until(lambda: place.standin.gateway.sessions)
        await _settled(place)
        for number in range(rounds):
            channel = place.channels[number % len(place.channels)]
            began = time.perf_counter()
            asked = place.alice.mentions(channel, place.bot.user, f"Question {number}?")
            await place.answered(channel, asked.id)
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
    return [
        Figure(name=f"first words, {name}, p50", value=median(waits) * 1e3, unit="ms", target=40.0),
        Figure(name=f"first words, {name}, p95", value=percentile(waits, 0.95) * 1e3, unit="ms"),
    ]


async def crowd(place: Town, model: FakeOllama) -> list[Figure]:
    """Twenty mentions in twenty channels at once."""
    slowest = []
    async with program(place, model.url):
        await place.until(lambda: place.standin.gateway.sessions)
        await _settled(place)
        for _ in range(5):
            began = time.perf_counter()

            async def one(channel: Channel, began: float = began) -> float:
                asked = place.alice.mentions(channel, place.bot.user, "What now?")
                await place.answered(channel, asked.id)
                return time.perf_counter() - began

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(channel)) for channel in place.channels[:20]]
            slowest.append(max(task.result() for task in tasks))
            await asyncio.sleep(6.0)
    return [
        Figure(
            name="20 mentions at once, 0.2 s model, slowest first words",
            value=median(slowest),
            unit="s",
            target=0.6,
        )
    ]


async def chatter(place: Town, model: FakeOllama, seconds: float, listen: str) -> list[Figure]:
    """A thousand messages a second that are not meant for the bot."""
    async with program(place, model.url, ACORE_DISCORD__LISTEN=listen) as running:
        await place.until(lambda: place.standin.gateway.sessions)
        await _settled(place)
        await _chat(place, 2.0)
        before, lag_before = running.cpu_seconds(), await running.lag()
        weights = [rss_mb(running.pid)]
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            sent = await _chat(place, min(10.0, seconds - passed + 0.1))
            weights.append(rss_mb(running.pid))
        spent = time.perf_counter() - began
        used = running.cpu_seconds() - before
        lag = {
            key: value - lag_before.get(key, 0.0) for key, value in (await running.lag()).items()
        }
    name = f"chatter, {listen}"
    quarter = max(1, len(weights) // 4)
    return [
        Figure(name=f"{name}: messages/s", value=sent, unit="/s"),
        Figure(name=f"{name}: of one core", value=used / spent * 100, unit="%", target=25.0),
        Figure(
            name=f"{name}: loop lag p99, at most", value=_p99(lag) * 1e3, unit="ms", target=20.0
        ),
        Figure(
            name=f"{name}: memory growth",
            value=median(weights[-quarter:]) - median(weights[:quarter]),
            unit="MB",
            target=5.0,
        ),
    ]


async def many_answers(place: Town, model: FakeOllama, count: int) -> list[Figure]:
    """Answers that stream, as fast as the limits allow."""
    refusals = place.standin.limits.refusals
    done = 0
    began = time.perf_counter()
    async with program(place, model.url):
        await place.until(lambda: place.standin.gateway.sessions)
        await _settled(place)

        async def talk(channel: Channel, rounds: int) -> None:
            nonlocal done
            for number in range(rounds):
                asked = place.alice.mentions(channel, place.bot.user, f"Tell me {number}.")
                await place.until(lambda a=asked: _whole(channel, a.id))
                done += 1

        used = place.channels[:100]
        async with asyncio.TaskGroup() as group:
            for channel in used:
                group.create_task(talk(channel, max(1, count // len(used))))
    return [
        Figure(
            name=f"429s over {done} answers",
            value=place.standin.limits.refusals - refusals,
            unit="",
            target=0.0,
        ),
        Figure(
            name="those answers per second",
            value=done / (time.perf_counter() - began),
            unit="/s",
            better="higher",
        ),
    ]


async def dropping(place: Town, model: FakeOllama) -> list[Figure]:
    """Fifty forced disconnects while a hundred messages arrive."""
    used = place.channels[:50]
    async with program(place, model.url):
        await place.until(lambda: place.standin.gateway.sessions)
        await _settled(place)
        asked: list[tuple[Channel, Message]] = []
        for number in range(100):
            channel = used[number % len(used)]
            asked.append(
                (channel, place.alice.mentions(channel, place.bot.user, f"Number {number}?"))
            )
            if number % 2:
                place.standin.gateway.cut()
            await asyncio.sleep(0.1)
        answers = {}
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            answers = {message.id: _answers_to(channel, message.id) for channel, message in asked}
            if all(answers.values()):
                break
            await asyncio.sleep(0.5)
        await asyncio.sleep(3.0)
        answers = {message.id: _answers_to(channel, message.id) for channel, message in asked}
    return [
        Figure(
            name="messages lost over 50 drops",
            value=sum(n == 0 for n in answers.values()),
            unit="",
            target=0.0,
        ),
        Figure(
            name="messages answered twice",
            value=sum(n > 1 for n in answers.values()),
            unit="",
            target=0.0,
        ),
    ]


def _answers_to(channel: Channel, message: int) -> int:
    return sum(
        one.reference is not None and message in one.reference for one in channel.messages.values()
    )


def _whole(channel: Channel, after: int) -> bool:
    return any(one.id > after and "the end" in one.content for one in channel.messages.values())


async def _chat(place: Town, seconds: float) -> float:
    """Let people chat at a thousand messages a second; return how many a second it were."""
    began, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        due = int(passed * 1000)
        while sent < due:
            place.alice.says(place.channels[sent % len(place.channels)], f"just chatting {sent}")
            sent += 1
        await asyncio.sleep(0.005)
    return sent / (time.perf_counter() - began)


async def _settled(place: Town) -> None:
    """Wait until the bot answers and its pictures are kept."""
    asked = place.alice.mentions(place.channels[-1], place.bot.user, "Are you there?")
    await place.answered(place.channels[-1], asked.id)
    await asyncio.sleep(2.0)


def _p99(counts: dict[float, float]) -> float:
    total = max(counts.values(), default=0.0)
    return min((bound for bound, count in counts.items() if count >= 0.99 * total), default=0.0)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def measure(options: argparse.Namespace) -> list[Figure]:
    """Run the parts that were asked for."""
    quick, slow = Answer(pieces=("Hello", " there", ".")), Answer(delay_first=0.2)
    story = Answer(pieces=("word ",) * 40 + ("the end",), delay_each=0.02)
    figures: list[Figure] = []
    wanted = options.parts

    async def part(name: str, answer: Answer, work, **kind) -> None:
        if wanted and name not in wanted:
            return
        async with town(**kind) as place, FakeOllama(default=answer).running() as model:
            figures.extend(await work(place, model))

    await part("start", quick, starting)
    await part("first", quick, lambda p, m: first_words(p, m, "as itself", options.rounds))
    await part(
        "faces", quick, lambda p, m: first_words(p, m, "with a face", options.rounds), faces=True
    )
    await part("crowd", slow, crowd)
    await part("chatter", quick, lambda p, m: chatter(p, m, options.seconds, "asked"))
    await part("heard", quick, lambda p, m: chatter(p, m, options.seconds, "everywhere"))
    await part("answers", story, lambda p, m: many_answers(p, m, options.answers))
    await part("drops", quick, dropping)
    return figures


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--answers", type=int, default=1000)
    options = parser.parse_args()
    figures = asyncio.run(measure(options))
    report("discord" if not options.parts else "discord_part", figures)


if __name__ == "__main__":
    main()
