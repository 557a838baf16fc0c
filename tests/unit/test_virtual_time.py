"""The loop that skips waiting."""

from __future__ import annotations

import asyncio
import time

import pytest

pytestmark = pytest.mark.virtual_time


async def test_a_day_of_sleep_takes_no_time_but_passes_on_the_loop():
    loop = asyncio.get_running_loop()
    started, real = loop.time(), time.perf_counter()
    await asyncio.sleep(86_400)
    assert loop.time() - started == pytest.approx(86_400, abs=1)
    assert time.perf_counter() - real < 1


async def test_timers_fire_in_order_of_their_time():
    fired: list[int] = []

    async def fire(after: int) -> None:
        await asyncio.sleep(after)
        fired.append(after)

    async with asyncio.TaskGroup() as group:
        for after in (30, 10, 20):
            group.create_task(fire(after))
    assert fired == [10, 20, 30]


async def test_a_timeout_beats_a_longer_wait():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.sleep(10)


async def test_ready_work_runs_before_the_clock_jumps():
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(60):
        for _ in range(1000):
            await asyncio.sleep(0)
    assert loop.time() - started < 30


async def test_a_cancelled_timer_does_not_move_the_clock():
    loop = asyncio.get_running_loop()
    started = loop.time()
    loop.call_later(3600, lambda: None).cancel()
    await asyncio.sleep(1)
    assert loop.time() - started < 60
