"""A process killed while it delivers loses no reminder, and tells none twice where it can look."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.domain.clock import SystemClock
from services.domain.ids import AuthorId, ConversationId
from tests.fakes.reminder_recorder import ended, recording, started
from tests.fakes.reminders import reminder_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

EACH = 150
PLACES = 15
PATIENCE = 60.0


async def stock(folder: Path) -> None:
    async with reminder_world(folder, SystemClock()) as world:
        now = world.clock.now()
        await world.add_many(
            [
                world.reminder(
                    f"{platform} {number}",
                    now,
                    number=number,
                    owner=AuthorId(platform, "sam"),
                    conversation=ConversationId(platform, "guild", str(number % PLACES)),
                )
                for platform in ("discord", "plain")
                for number in range(EACH)
            ]
        )


async def open_ones(folder: Path) -> int:
    async with reminder_world(folder, SystemClock()) as world:
        return sum(row["state"] != "shown" for row in await world.rows())


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
async def test_killed_while_delivering(tmp_path, kills):
    await stock(tmp_path)
    async with recording() as (recorder, port):
        for kill in range(kills):
            process = await started(tmp_path, port)
            before = sum(recorder.shown.values())
            wanted = before + max(1, 2 * EACH // (kills + 2))
            async with asyncio.timeout(PATIENCE):
                while sum(recorder.shown.values()) < wanted - kill % 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            await ended(process)
        assert await open_ones(tmp_path), "nothing was left to deliver when it was killed"
        process = await started(tmp_path, port)
        async with asyncio.timeout(PATIENCE):
            while len(recorder.shown) < 2 * EACH:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.5)
        await ended(process)
    assert await open_ones(tmp_path) == 0
    once = [count for (platform, _), count in recorder.shown.items() if platform == "discord"]
    assert once == [1] * EACH
    plain = {key: count for key, count in recorder.shown.items() if key[0] == "plain"}
    assert len(plain) == EACH
    assert all(recorder.unmarked[key] <= 1 for key in plain), "a repetition was not marked"
