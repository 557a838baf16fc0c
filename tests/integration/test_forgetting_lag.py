"""Forgetting leaves the event loop to the people who talk."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from services.domain.clock import SystemClock
from services.domain.ids import AuthorId, UlidSource
from services.domain.people import Author
from services.lifecycle import prompt_loop
from services.memory.forgetting.service import Forgetting
from services.people.repository import PeopleRepository
from services.settings import StorageSettings
from services.storage.blobs import BlobStore
from services.storage.database import Database
from tests.bench.lag import watched_loop
from tests.bench.many_turns import fill
from tests.integration.test_index_lag import longest_work

MESSAGES, THEIRS = 20_000, 400
EVE = Author(id=AuthorId("discord", "Eve"), display_name="Eve")


@pytest.mark.timeout(180)
async def test_the_loop_is_never_held_up_by_forgetting(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    await fill(data, MESSAGES)
    storage, clock = StorageSettings(data=data), SystemClock()
    ids = UlidSource(clock, random.Random(1))
    async with Database(storage, clock=clock) as database:
        async with database.transaction() as tx:
            eve = await PeopleRepository(ids).ensure(tx, EVE, at=clock.now())

            def give(connection: Connection) -> None:
                connection.execute(
                    text(
                        "UPDATE messages SET author_user = 'Eve', author_name = 'Eve', "
                        "person_id = :eve WHERE ordinal % :every = 0"
                    ),
                    {"eve": eve, "every": MESSAGES // THEIRS},
                )

            await tx.run(give)
        forgetting = Forgetting(
            database=database,
            blobs=BlobStore(storage, database=database, clock=clock),
            data=data,
            backups=tmp_path / "backups",
            clock=clock,
            ids=ids,
        )
        done = asyncio.Event()
        with prompt_loop():
            async with asyncio.TaskGroup() as group, watched_loop() as late:
                worked = group.create_task(longest_work(done))
                receipt = await forgetting.forget(eve)
                done.set()
        assert receipt.clean
        assert receipt.counts["messages"] == THEIRS
        # Processor time, and all but the rarest delays: other programs take their turns, too.
        assert worked.result() < 0.05
        assert sorted(late)[int(len(late) * 0.99)] < 0.05


def test_what_lives_long_is_left_out_of_collections_only_meanwhile() -> None:
    interval, kept = sys.getswitchinterval(), ["lives long"]
    with prompt_loop():
        assert gc.get_freeze_count() > 0
        assert not any(one is kept for one in gc.get_objects())
        assert sys.getswitchinterval() < interval
    assert sys.getswitchinterval() == interval
    assert any(one is kept for one in gc.get_objects())
    assert gc.get_freeze_count() == 0
