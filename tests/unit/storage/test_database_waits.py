"""How long writers wait is measured."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.domain.clock import SystemClock
from services.observability.metrics import Metrics
from services.settings import StorageSettings
from services.storage.database import Database


async def test_time_before_the_turn_to_write_is_measured_and_that_of_readers_is_not(tmp_path: Path):
    metrics = Metrics()
    database = Database(StorageSettings(data=tmp_path), clock=SystemClock(), metrics=metrics)

    async def write() -> None:
        async with database.transaction() as changes:
            await changes.run(lambda connection: None)

    async with database:
        async with asyncio.TaskGroup() as group, database.steps():
            group.create_task(write())
            await asyncio.sleep(0.05)
        async with database.reader() as view:
            await view.run(lambda connection: None)
    at_once, later = metrics.timed("database_wait_seconds")
    assert at_once < 0.02
    assert 0.04 <= later < 1.0
