"""Sound to and from Discord, as its server sees it: on time, soon, and ended at once.

The server is on loopback and stamps packets as the kernel took them. Where the bot speaks, it runs
in the same process, which makes no figure better; where it listens, in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import discord
import numpy as np

from frontends.discord.voice import thread_turns
from frontends.discord.voice.sender import Sender
from services.domain.audio import AudioFrame
from services.domain.clock import SystemClock
from services.observability.metrics import Metrics
from services.voice.audio_io import BLOCK_SECONDS, BlockSource
from services.voice.mixing.mixer import Mixer
from tests.bench.results import Figure, median, percentile, report
from tests.discord_standin.entities import ChannelType
from tests.discord_standin.founding import add_channel, add_member, add_user
from tests.discord_standin.scene import Scene, scene
from tests.discord_standin.voice.call import Call
from tests.discord_standin.voice.handset import Handset
from tests.discord_standin.voice.opus import FRAME_BYTES, RATE, Decoder, load_opus
from tests.discord_standin.voice.recorder import Heard
from tests.discord_standin.voice.rtp import SAMPLES_PER_FRAME
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import frames_of_pcm
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
async def room(source: BlockSource | None = None) -> AsyncIterator[Room]:
    """Set up a call whose sender runs, with joining over; by default, it plays the queue."""
    load_opus()
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        place = Room(here, vc, BlockQueue())
        async with Sender(vc, source or place.queue.read, SystemClock(), Metrics()):
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
    figures = [Figure(name="B5 the sender's niceness, as granted", value=_niceness(), unit="")]
    for name, work, target in (
        ("idle", at_rest, None),
        ("engines at work", engines_at_work, 10.0),
        ("and a Python thread", thread_at_work, None),
    ):
        late: list[float] = []
        gaps: list[float] = []
        missing = 0
        for _ in range(runs if target else 1):
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


def _niceness() -> int:
    """Return what a thread that asks to come first is given."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(thread_turns.come_first).result()
        return pool.submit(lambda: os.getpriority(os.PRIO_PROCESS, 0)).result()


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


@dataclass
class Crowd:
    """People in a call with a bot that listens in a process of its own."""

    town: Scene
    call: Call
    process: asyncio.subprocess.Process
    people: list[Handset]
    speech: list[list[bytes]]

    async def talks(self, seconds: float) -> dict[str, list[float]]:
        """Let everybody talk, each a little after the one before; return when they did, by user."""
        said: dict[str, list[float]] = {str(each.user_id): [] for each in self.people}
        begun = time.monotonic()
        apart = BLOCK_SECONDS / len(self.people)
        for slot in range(int(seconds / BLOCK_SECONDS)):
            for number, person in enumerate(self.people):
                wait = begun + slot * BLOCK_SECONDS + number * apart - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                frames = self.speech[number]
                said[str(person.user_id)].append(time.monotonic())
                person.sends(frames[slot % len(frames)])
        await asyncio.sleep(0.5)
        return said

    async def asks(self) -> tuple[dict[str, float], dict[str, list[float]]]:
        """Return the bot's processor seconds, and when it heard whom since it was last asked."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(b"\n")
        answer = json.loads(await self.process.stdout.readline())
        return answer["spent"], answer["moments"]


@asynccontextmanager
async def crowd(count: int) -> AsyncIterator[Crowd]:
    """Gather so many people, who hear nothing themselves; each has said something."""
    load_opus()
    async with scene(limits=False, voice=VoiceSettings()) as town:
        world, gateway = town.standin.world, town.standin.gateway
        lounge = add_channel(world, town.guild, "Lounge", kind=ChannelType.VOICE)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-W", "ignore", "-m", "tests.bench.voice_listener", str(lounge.id)),
            env=os.environ | town.standin.environment(town.bot),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        call = gateway.voice.call_in(lounge)
        await town.until(lambda: town.bot.user.id in call.parties)
        people = []
        for number in range(count):
            user = add_user(world, f"Person{number}")
            add_member(world, town.guild, user)
            person = town.standin.person(user)
            person.joins_voice(lounge)
            await town.until(lambda: call.group.settled)
            people.append(person.voice)
        call.deafened.update(each.user_id for each in people)
        speech = [
            frames_of_pcm(b"".join(blocks_of_tone(50, frequency=120.0 + 20 * number)))
            for number in range(count)
        ]
        for each in people:
            each.announces()
        gathered = Crowd(town, call, process, people, speech)
        await gathered.talks(2.0)
        await gathered.asks()
        yield gathered
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def soon_heard(seconds: float) -> list[Figure]:
    """B1: from a packet to sound that somebody may fetch, with five people talking."""
    async with crowd(5) as people:
        said = await people.talks(seconds)
        _, heard = await people.asks()
    lost = sum(len(moments) - len(heard.get(user, [])) for user, moments in said.items())
    took = [
        (there - here) * 1e3
        for user, moments in said.items()
        if len(heard.get(user, [])) == len(moments)
        for here, there in zip(moments, heard[user], strict=True)
    ]
    return [
        Figure(name="B1 packet to sound, p50", value=median(took), unit="ms", target=1.0),
        Figure(name="B1 packet to sound, p99", value=percentile(took, 0.99), unit="ms", target=5.0),
        Figure(name="B1 frames lost", value=lost, unit="", target=0.0),
    ]


async def many_heard(seconds: float) -> list[Figure]:
    """B3: the processor time of a bot that listens to 25 people at once."""
    async with crowd(25) as people:
        before, _ = await people.asks()
        said = await people.talks(seconds)
        after, heard = await people.asks()
    lost = sum(map(len, said.values())) - sum(map(len, heard.values()))
    shares = {part: (after[part] - before[part]) / seconds * 100 for part in after}
    return [
        Figure(
            name="B3 25 speakers: received and decoded, of one core",
            value=shares["reader"],
            unit="%",
            target=12.0,
        ),
        Figure(name="B3 with handing on, and all else", value=shares["all"], unit="%"),
        Figure(name="B3 frames lost", value=lost, unit="", target=0.0),
    ]


async def mixes() -> list[Figure]:
    """B13: music makes room for speech; both are mixed here and measured there."""
    spoke = RATE * 2
    at = np.arange(RATE * 6) / RATE
    music = (0.5 * np.sin(2 * np.pi * _MUSIC * at) * 32_767).astype("<i2")
    speech = (0.9 * np.sin(2 * np.pi * 300 * at[:spoke]) * 32_767).astype("<i2").tobytes()
    mixer = Mixer(clock=SystemClock(), tell=lambda event: None)
    mixed: list[bytes] = []

    def source() -> bytes | None:
        block = mixer.read()
        if block is not None:
            mixed.append(block)
        return block

    async with room(source) as place:
        bed = mixer.bed()
        frames = np.repeat(music[:, None], 2, axis=1).reshape(-1, RATE // 50 * 2)
        began = 0
        for number, frame in enumerate(frames):
            piece = _frame(frame.tobytes(), channels=2)
            await eventually(lambda piece=piece: bed.write(piece))  # type: ignore[misc]
            if number == 150:
                began = len(mixed)
                mixer.speech.begin(1)
                mixer.speech.write(_frame(speech, channels=1))
                mixer.speech.end()
        await asyncio.sleep(0.4)
        bed.close()
        await _closed(place)
        decoder = Decoder()
        heard = b"".join(decoder.decode(each.opus) for each in place.heard if each.opus)
    there, here = _music_in(heard), _music_in(b"".join(mixed))
    before, during = np.abs(there[began - 20 : began - 5]), np.abs(there[began + 10 : began + 80])
    depth = 20 * np.log10(before.mean() / during.mean())
    loudness = 20 * np.log10(np.abs(here[began:]) / np.abs(here[began - 10]))
    ducked = int(np.argmax(loudness <= -11.0))
    turns = np.degrees(np.abs(np.angle(here[2:-2] / here[1:-3])))
    full = np.abs(np.frombuffer(b"".join(mixed), dtype="<i2")[::2].astype(int)) >= 32_767
    flat = full[:-2] & full[1:-1] & full[2:]
    return [
        Figure(name="B13 duck depth, off 12 dB by", value=abs(depth - 12), unit="dB", target=1.0),
        Figure(name="B13 ducked after, at most", value=(ducked + 1) * 20, unit="ms", target=100.0),
        Figure(name="B13 clipped samples", value=int(flat.sum()), unit="", target=0),
        Figure(name="B13 largest break of the music", value=turns.max(), unit="deg", target=1.0),
    ]


_MUSIC = 1_000
"""Hertz; blocks hold whole waves of it, and of speech's 300."""


def _music_in(pcm: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    """Return how loud, and where in its wave, the music is in each block."""
    left = np.frombuffer(pcm, dtype="<i2")[::2].reshape(-1, SAMPLES_PER_FRAME)
    wave = np.exp(-2j * np.pi * _MUSIC * np.arange(SAMPLES_PER_FRAME) / RATE)
    found: np.ndarray[tuple[int, ...], np.dtype[np.complex128]] = left @ wave
    return found


def _frame(pcm: bytes, *, channels: int) -> AudioFrame:
    return AudioFrame(pcm=pcm, rate=RATE, channels=channels, started_at=0.0)


async def takes_little(seconds: float) -> list[Figure]:
    """Return the processor time of the thread that sends, while silent and while not."""
    shares = []
    async with room() as place:
        for count in (0, int(seconds / BLOCK_SECONDS)):
            place.queue.put(blocks_of_tone(50) * (count // 50))
            before = _sender_seconds()
            await asyncio.sleep(seconds)
            shares.append((_sender_seconds() - before) / seconds * 100)
    return [
        Figure(name="sender, silent, of one core", value=shares[0], unit="%"),
        Figure(name="sender, sounding, of one core", value=shares[1], unit="%"),
    ]


def _sender_seconds() -> float:
    (thread,) = (each for each in threading.enumerate() if each.name == "voice sender")
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


async def measure(options: argparse.Namespace) -> list[Figure]:
    """Run the parts that were asked for."""
    parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
        "time": lambda: on_time(options.seconds, options.runs),
        "begin": lambda: begins_soon(options.rounds),
        "end": lambda: ends_at_once(options.rounds),
        "heard": lambda: soon_heard(options.seconds / 2),
        "crowd": lambda: many_heard(options.seconds / 4),
        "mix": mixes,
        "little": lambda: takes_little(options.seconds / 4),
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
    parser.add_argument("--niceness", type=int, default=thread_turns.NICENESS)
    options = parser.parse_args()
    thread_turns.NICENESS = options.niceness
    figures = asyncio.run(measure(options))
    report("voice_transport" if not options.parts else "voice_transport_part", figures)


if __name__ == "__main__":
    main()
