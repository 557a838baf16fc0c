"""Forgetting that is killed at any moment is finished by the next start."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import ALICE, BOB, GUILD, MIRA, traces, world_in

ROOT = Path(__file__).parents[2]

FORGETTER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from services.domain.clock import SystemClock
    from tests.unit.forgetting.world import world_in

    async def main(data, person):
        async with world_in(data, SystemClock(), seed=9) as world:
            print("begun", flush=True)
            await world.forgetting.forget(person)
            print("done", flush=True)

    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
    """
)
WORDS = (
    "marzipan",
    "lighthouse",
    "gondola",
    "thistle",
    "obsidian",
    "ferret",
    "kazoo",
    "mandolin",
    "quartz",
    "tundra",
    "bobsleigh",
    "saffron",
    "periscope",
    "walrus",
    "turnip",
    "harpsichord",
    "glacier",
    "papaya",
    "zeppelin",
    "trombone",
)
ROUNDS = 6


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=9))


async def prepared(data: Path, clock: ManualClock) -> tuple[str, list[str], list[str]]:
    """Fill a data folder; return the person, their texts and the texts of others."""
    chance = random.Random(5)
    theirs, others = [], []
    async with world_in(data, clock) as world:
        person = await world.person(ALICE)
        for number in range(160):
            own, other = f"{sentence(chance)} secretly", f"Herons number {number} eat at noon."
            theirs.append(own)
            others.append(other)
            said = await world.say(own, ALICE, present=[BOB], attachment=own.encode())
            await world.say(other, BOB, present=[ALICE])
            if number % 4 == 0:
                await world.say(f"So: {own}!", MIRA, present=[ALICE, BOB], answers=said)
                await world.learn(said, own, about=ALICE, slot="said")
    (data / "logs").mkdir()
    (data / "logs" / "acore.log").write_text("".join(f"{text}\n" for text in theirs))
    return person, theirs, others


async def killed_after(data: Path, person: str, seconds: float) -> float | None:
    """Begin to forget and kill the process; return after how long it was done, if it was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FORGETTER,
        str(data),
        person,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    began = time.monotonic()
    rest = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            rest = await process.stdout.readline()
    took = time.monotonic() - began
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    await process.wait()
    return took if rest == b"done\n" else None


@pytest.mark.timeout(180)
async def test_an_erasure_killed_anywhere_is_finished_at_the_next_start(
    tmp_path: Path, clock: ManualClock
) -> None:
    person, theirs, others = await prepared(tmp_path / "full", clock)
    chance = random.Random(11)
    cut_off = finished = 0
    shutil.copytree(tmp_path / "full", tmp_path / "whole")
    whole = await killed_after(tmp_path / "whole", person, 60)
    assert whole is not None
    for number in range(ROUNDS):
        data = tmp_path / f"data{number}"
        shutil.copytree(tmp_path / "full", data)
        moment = whole * (number + chance.random()) / ROUNDS
        cut_off += await killed_after(data, person, moment) is None
        async with world_in(data, clock, seed=100 + number) as world, world.forgetting:
            if not await world.rows("erasures"):
                assert set(theirs) < set(await world.texts(GUILD)), "half of it was done unnoted"
                continue
            assert await world.texts(GUILD) == [
                text
                for index, other in enumerate(others)
                for text in ([other, "So: [forgotten]!"] if index % 4 == 0 else [other])
            ]
            states = [row[3] for row in await world.rows("erasures")]
            assert states == ["finished"]
            assert await world.rows("people") == [
                row for row in await world.rows("people") if row[1] == "Bob"
            ]
            assert await world.rows("blobs") == []
        assert traces(data, *theirs, "Alyssandra") == {}
        finished += 1
    assert cut_off >= 3
    assert finished >= 3
