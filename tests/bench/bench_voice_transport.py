"""Sound to and from Discord, as its server sees it: on time, soon, and ended at once.

The server, which is on loopback in the same process, stamps packets as the kernel took them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import multiprocessing
import os
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import discord
import numpy as np

from frontends.discord.voice.sender import Sender
from services.domain.clock import SystemClock
from services.observability.metrics import Metrics
from services.voice.audio_io import BLOCK_SECONDS
from tests.bench.results import Figure, median, percentile, report
from tests.discord_standin.voice.opus import FRAME_BYTES, RATE, Decoder, load_opus
from tests.discord_standin.voice.recorder import Heard
from tests.discord_standin.voice.rtp import SAMPLES_PER_FRAME
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.fakes.block_source import BlockQueue, blocks_of_tone

CORES = 2
AUDIBLE = 300
"""Of 32,767; below that a sample is silence."""


@dataclass
class Room:
    """A call with Alice in it; ``heard`` are the bot's packets as they reached the server."""

    here: Stage
    vc: discord.VoiceClient
    queue: BlockQueue

    @property
    def heard(self) -> list[Heard]:
        return self.here.town.alice.voice.recorder.of(self.here.bot_id)

    def forget(self) -> None:
        self.here.town.alice.voice.recorder.heard.clear()


@asynccontextmanager
async def room() -> AsyncIterator[Room]:
    """Set up a call whose sender runs, with joining over."""
    load_opus()
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        place = Room(here, vc, BlockQueue())
        async with Sender(vc, place.queue, SystemClock(), Metrics()):
            await eventually(lambda: len(place.heard) >= 5)
            await asyncio.sleep(0.3)
            place.forget()
            yield place
        assert not here.board.problems


def _burn(seed: int) -> None:
    """Compute as an engine does, politely, until killed."""
    os.nice(5)
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((256, 256), dtype=np.float32)
    while True:
        factor = np.tanh(factor @ factor)


@contextmanager
def engines_at_work() -> Iterator[None]:
    """Keep every core busy with child processes, as speech recognition and synthesis would."""
    context = multiprocessing.get_context("spawn")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    children = [context.Process(target=_burn, args=(n,), daemon=True) for n in range(CORES)]
    for child in children:
        child.start()
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.join()


@contextmanager
def thread_at_work() -> Iterator[None]:
    """Let one thread of this very process compute in Python."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            sum(number * number for number in range(1000))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def at_rest() -> Iterator[None]:
    """Nothing beside."""
    yield


def _lateness(heard: Sequence[Heard]) -> list[float]:
    """By how many seconds packets missed the grid their timestamps name."""
    off = [each.at_us / 1e6 - each.timestamp / RATE for each in heard]
    return [each - min(off) for each in off]


async def on_time(seconds: float, runs: int) -> list[Figure]:
    """B5: a minute of sound, alone and beside work."""
    figures = []
    for name, work, target in (
        ("idle", at_rest, None),
        ("engines at work", engines_at_work, 10.0),
        ("and a Python thread", thread_at_work, None),
    ):
        late: list[float] = []
        gaps: list[float] = []
        missing = 0
        for _ in range(runs):
            async with room() as place:
                with work():
                    await asyncio.sleep(2.0)
                    count = int(seconds / BLOCK_SECONDS)
                    place.queue.put(blocks_of_tone(50) * (count // 50))
                    await asyncio.sleep(seconds)
                    await _closed(place)
                heard = [each for each in place.heard if not each.silent]
                late += [each * 1e3 for each in _lateness(heard)]
                times = [each.at_us for each in heard]
                gaps.append(max(b - a for a, b in itertools.pairwise(times)) / 1e3)
                span = (heard[-1].timestamp - heard[0].timestamp) // SAMPLES_PER_FRAME + 1
                missing += span - len(heard)
        limit = 60.0 if target else None
        figures += [
            Figure(name=f"B5 {name}: late, p50", value=median(late), unit="ms"),
            Figure(
                name=f"B5 {name}: late, p99", value=percentile(late, 0.99), unit="ms", target=target
            ),
            Figure(name=f"B5 {name}: longest gap", value=median(gaps), unit="ms", target=limit),
            Figure(name=f"B5 {name}: moments skipped", value=missing, unit=""),
        ]
    return figures


async def begins_soon(rounds: int) -> list[Figure]:
    """B6: from a block in the queue to its packet at the server."""
    chance = random.Random(6)
    waits = []
    blocks = blocks_of_tone(3)
    async with room() as place:
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(0.15, 0.25))
            place.forget()
            put = time.monotonic()
            place.queue.put(blocks)
            await _closed(place)
            waits.append(place.heard[0].at_us / 1e3 - put * 1e3)
    return [
        Figure(name="B6 block to packet, p50", value=median(waits), unit="ms"),
        Figure(
            name="B6 block to packet, p95", value=percentile(waits, 0.95), unit="ms", target=25.0
        ),
    ]


async def ends_at_once(rounds: int) -> list[Figure]:
    """B7: from a cancel to the last of the sound, and what follows it."""
    chance = random.Random(7)
    left, ended = [], []
    wrong = 0
    speech = blocks_of_tone(100)
    async with room() as place:
        for _ in range(rounds):
            place.forget()
            place.queue.put(speech)
            await asyncio.sleep(chance.uniform(0.2, 0.4))
            cancelled = time.monotonic() * 1e3
            place.queue.clear()
            place.queue.put([_faded(speech[0])])
            await _closed(place)
            heard = place.heard
            sounding = [each for each in heard if not each.silent]
            wrong += [each.silent for each in heard] != [False] * len(sounding) + [True] * 5
            last = sounding[-1].at_us / 1e3
            left.append(last - cancelled)
            ended.append(last + _sounding_ms(heard) - cancelled)
            await asyncio.sleep(0.1)
    return [
        Figure(
            name="B7 cancel to last packet of sound, p95",
            value=percentile(left, 0.95),
            unit="ms",
            target=25.0,
        ),
        Figure(
            name="B7 cancel to end of its fade, p95",
            value=percentile(ended, 0.95),
            unit="ms",
            target=60.0,
        ),
        Figure(name="B7 ends without exactly 5 silent frames", value=wrong, unit="", target=0.0),
    ]


def _faded(block: bytes, seconds: float = 0.005) -> bytes:
    """Return a block that fades out at its beginning, as a mixer makes them."""
    samples = np.frombuffer(block, dtype="<i2").reshape(-1, 2)
    gain = np.clip(1.0 - np.arange(len(samples)) / (seconds * RATE), 0.0, 1.0)
    return (samples * gain[:, None]).astype("<i2").tobytes()


def _sounding_ms(heard: Sequence[Heard]) -> float:
    """Return how far into its last sounding frame one still hears something."""
    decoder = Decoder()
    frames = [each.opus for each in heard if each.opus and not each.silent]
    sound = [decoder.decode(each) for each in frames][-1]
    assert len(sound) == FRAME_BYTES
    loud = np.flatnonzero(np.abs(np.frombuffer(sound, dtype="<i2")[::2].astype(int)) > AUDIBLE)
    return 0.0 if not loud.size else float(loud[-1]) / RATE * 1e3


async def _closed(place: Room) -> None:
    """Wait until the sound has ended with its silence."""
    await eventually(lambda: [each.silent for each in place.heard[-5:]] == [True] * 5)


async def measure(options: argparse.Namespace) -> list[Figure]:
    """Run the parts that were asked for."""
    parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
        "time": lambda: on_time(options.seconds, options.runs),
        "begin": lambda: begins_soon(options.rounds),
        "end": lambda: ends_at_once(options.rounds),
    }
    figures: list[Figure] = []
    for name, part in parts.items():
        if not options.parts or name in options.parts:
            figures += await part()
    return figures


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    figures = asyncio.run(measure(options))
    report("voice_transport" if not options.parts else "voice_transport_part", figures)


if __name__ == "__main__":
    main()
