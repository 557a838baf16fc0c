"""Forgetting a place that is killed at any moment is finished by the next start."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from services.domain.ids import ConversationId
from tests.fakes.clock import ManualClock
from tests.integration.test_forgetting_crash import prepared
from tests.unit.forgetting.world import BOB, GUILD, traces, world_in

ROOT = Path(__file__).parents[2]
DIRECT = ConversationId("discord", "dm", "7")
STAYS = "Herons that were spoken of in private stay."
FORGETTER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from services.domain.clock import SystemClock
    from tests.unit.forgetting.world import world_in

    async def main(data):
        async with world_in(data, SystemClock(), seed=9) as world:
            print("begun", flush=True)
            await world.forgetting.forget_place("discord:1")
            print("done", flush=True)

    asyncio.run(main(Path(sys.argv[1])))
    """
)
ROUNDS = 5


async def killed_after(data: Path, seconds: float) -> float | None:
    """Begin to forget and kill the process; return after how long it was done, if it was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FORGETTER,
        str(data),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    began, rest = time.monotonic(), b""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            rest = await process.stdout.readline()
    took = time.monotonic() - began
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    return took if rest == b"done\n" else None


@pytest.mark.timeout(180)
async def test_an_erasure_killed_anywhere_is_finished_at_the_next_start(
    tmp_path: Path, clock: ManualClock
) -> None:
    _, theirs, others = await prepared(tmp_path / "full", clock)
    async with world_in(tmp_path / "full", clock, seed=3) as world:
        await world.say(STAYS, BOB, place=DIRECT)
    chance = random.Random(11)
    shutil.copytree(tmp_path / "full", tmp_path / "whole")
    whole = await killed_after(tmp_path / "whole", 60)
    assert whole is not None
    cut_off = finished = 0
    for number in range(ROUNDS):
        data = tmp_path / f"data{number}"
        shutil.copytree(tmp_path / "full", data)
        cut_off += await killed_after(data, whole * (number + chance.random()) / ROUNDS) is None
        async with world_in(data, clock, seed=100 + number) as world, world.forgetting:
            if not await world.rows("erasures"):
                assert len(await world.texts(GUILD)) == 360, "half of it was done unnoted"
                continue
            assert [row[3] for row in await world.rows("erasures")] == ["finished"]
            assert await world.texts(GUILD) == []
            assert await world.texts(DIRECT) == [STAYS]
            for table in ("turns", "attachments", "blobs", "facts", "lessons"):
                assert await world.rows(table) == [], table
            assert [row[1] for row in await world.rows("people")] == ["Bob"]
        assert traces(data, *theirs, *others, "Alyssandra") == {}
        finished += 1
    assert cut_off >= 2
    assert finished >= 3
