"""Killed at any moment, the index is whole at the next start."""

import asyncio
import random
import sys

import pytest
from sqlalchemy import func, select, text

from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from services.memory.engines import chroma_installed
from services.memory.index.chroma import ChromaIndex
from services.storage.tables import messages, recollections
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_world import opened_world
from tests.fakes.process import ROOT

_HALVES = text(
    "SELECT (SELECT count(*) FROM recollections r LEFT JOIN recollection_words w "
    "ON w.rowid = r.id WHERE w.rowid IS NULL), (SELECT count(*) FROM recollection_words w "
    "LEFT JOIN recollections r ON r.id = w.rowid WHERE r.id IS NULL), "
    "(SELECT count(*) FROM recollections WHERE (embedder IS NULL) <> (embedding IS NULL))"
)


async def killed(folder, index, embedder, *, after):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fakes.indexing_child",
        str(folder),
        index,
        embedder,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"talking\n"
    await asyncio.sleep(after)
    assert process.returncode is None
    process.kill()
    await process.wait()
    process.stdout.feed_eof()


def halves(connection):
    return tuple(connection.execute(_HALVES).one())


def said(connection):
    kept = messages.c.deleted_at.is_(None)
    return connection.execute(select(func.count()).where(kept).select_from(messages)).scalar_one()


def integrity(connection):
    connection.execute(
        text("INSERT INTO recollection_words(recollection_words) VALUES('integrity-check')")
    )
    return connection.execute(text("PRAGMA integrity_check")).scalar_one()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "index",
    [
        "exact",
        pytest.param(
            "chroma", marks=pytest.mark.skipif(not chroma_installed(), reason="no chromadb")
        ),
    ],
)
async def test_killed_while_indexing_and_embedding_anew(tmp_path, index):
    chance = random.Random(7)
    for attempt in range(4):
        # Every other start has another embedder, so that everything is embedded anew.
        await killed(tmp_path, index, f"hash:{attempt // 2}", after=chance.uniform(0.1, 1.0))
    clock = SystemClock()
    ids = UlidSource(clock, random.Random(2))
    async with opened_world(
        tmp_path, clock, ids, embedder=HashEmbedder(16, name="hash:9")
    ) as world:
        if index == "chroma":
            world.turns = ChromaIndex(tmp_path / "chroma" / "turns")
        async with world.database.reader() as snapshot:
            assert await snapshot.run(halves) == (0, 0, 0)
            expected = await snapshot.run(said)
        async with world.indexing() as indexer:
            progress = await indexer.caught_up()
            assert expected > 20
            assert (progress.total, progress.pending) == (expected, 0)
            assert await world.turns.count() == expected
            async with world.database.reader() as snapshot:
                rows = select(func.count()).select_from(recollections)
                assert await snapshot.run(lambda c: c.execute(rows).scalar_one()) == expected
        async with world.database.transaction() as tx:
            assert await tx.run(integrity) == "ok"
