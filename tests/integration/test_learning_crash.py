"""A learner killed in the middle loses no lesson and learns none twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from tests.unit.memory.learning_world import learning_in
from tests.unit.memory.planted import PLANTED

ROOT = Path(__file__).parents[2]
LEARN = """
import asyncio, random, sys
from pathlib import Path
from services.storage.sqlite import use_modern_sqlite
use_modern_sqlite()
from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from tests.unit.memory.learning_world import learning_in

async def main():
    clock = SystemClock()
    ids = UlidSource(clock, random.Random())
    async with learning_in(Path(sys.argv[1]), clock, ids) as world:
        print("ready", flush=True)
        print(await world.learner.read_everything(), flush=True)

asyncio.run(main())
"""
KILLS = 8


async def test_killed_while_learning_nothing_is_lost_or_doubled(tmp_path):
    clock = SystemClock()
    chance = random.Random(5)
    ids = UlidSource(clock, random.Random(1))
    async with learning_in(tmp_path, clock, ids) as world:
        for said, _ in PLANTED:
            await world.say(said)
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LEARN, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(chance.uniform(0.0, 0.12))
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await process.stdout.read()
    async with learning_in(tmp_path, clock, ids) as world:
        await world.learner.read_everything()
        interrupted = await world.known()
    whole = tmp_path / "whole"
    async with learning_in(whole, clock, ids) as world:
        for said, _ in PLANTED:
            await world.say(said)
        await world.learner.read_everything()
        expected = await world.known()

    def seen(facts):
        return sorted((each.slot, each.value, each.about.name, each.standing) for each in facts)

    assert seen(interrupted) == seen(expected)
