"""A loop that is held up is noticed."""

from __future__ import annotations

import asyncio
import time

from services.observability.lag import LoopLag
from services.observability.metrics import Metrics


async def test_blocked_loop_shows_as_lag_and_the_watch_ends_with_its_owner():
    metrics = Metrics()
    async with LoopLag(metrics):
        await asyncio.sleep(0.01)
        time.sleep(0.45)  # noqa: ASYNC251  the very thing to be noticed
        await asyncio.sleep(0.01)
    (late,) = metrics.timed("event_loop_lag_seconds")
    assert 0.15 <= late < 2.0
    assert metrics.gauged("event_loop_lag_worst_seconds") == late


async def test_idle_loop_is_on_time():
    metrics = Metrics()
    async with LoopLag(metrics):
        await asyncio.sleep(0.6)
    late = metrics.timed("event_loop_lag_seconds")
    assert len(late) == 2
    assert max(late) < 0.2
