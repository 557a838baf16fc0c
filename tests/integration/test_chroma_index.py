"""Chroma on disk: what is damaged, deleted or taken is rebuilt, and words answer meanwhile."""

import shutil

import pytest

from services.domain.errors import StorageError
from services.memory.engines import chroma_installed
from services.memory.index.chroma import ChromaIndex
from tests.contracts.test_vector_index import records_for, rows_near, vectors_for
from tests.fakes.memory_world import opened_world

pytestmark = [
    pytest.mark.skipif(not chroma_installed(), reason="chromadb is not installed"),
    pytest.mark.timeout(60),
]


@pytest.fixture
async def world(tmp_path, clock, ids):
    async with opened_world(tmp_path, clock, ids) as opened:
        opened.turns = ChromaIndex(tmp_path / "chroma" / "turns")
        yield opened
        await opened.turns.close()


def store(tmp_path):
    return tmp_path / "chroma" / "turns"


def garbage(folder):
    (folder / "1" / "chroma.sqlite3").write_bytes(b"nonsense" * 5000)


def halved(folder):
    path = folder / "1" / "chroma.sqlite3"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(folder):
    (folder / "1" / "chroma.sqlite3").write_bytes(b"")


def no_vectors(folder):
    for path in (folder / "1").rglob("*.bin"):
        path.write_bytes(b"\xff" * path.stat().st_size)


def in_its_place_a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("this is no folder")


def gone(folder):
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "damage", [garbage, halved, emptied, no_vectors, in_its_place_a_file, gone]
)
async def test_a_damaged_store_is_rebuilt_from_the_database(world, tmp_path, damage):
    await world.say_many([f"story number {n}" for n in range(1100)])
    async with world.indexing(erases=False) as indexer:
        await indexer.caught_up()
    world.embedder.passed.clear()
    damage(store(tmp_path))
    async with world.indexing(erases=False) as indexer:
        assert len(await world.found("1077")) == 1  # words answer at once
        await world.near("story number 7")
        for _ in range(5):  # after a failure it rests, and looks twice before it begins anew
            world.clock.advance(61)
            progress = await indexer.caught_up()
        assert (progress.pending, progress.filling) == (0, False)
        assert await world.turns.count() == 1100
        assert len(await world.near("story number 7", limit=20)) == 20
    assert world.embedder.passed == []


async def test_a_store_deleted_while_in_use_is_rebuilt(world, tmp_path):
    await world.say_many([f"story number {n}" for n in range(50)])
    async with world.indexing(erases=False) as indexer:
        await indexer.caught_up()
        shutil.rmtree(store(tmp_path))
        await world.say("one more story")
        for _ in range(6):
            world.clock.advance(61)
            progress = await indexer.caught_up()
        assert (progress.pending, progress.filling) == (0, False)
        assert await world.turns.count() == 51


async def test_a_sound_store_is_used_as_it_is(world, tmp_path):
    await world.say_many([f"story number {n}" for n in range(50)])
    async with world.indexing(erases=False) as indexer:
        await indexer.caught_up()
    before = {path.name for path in store(tmp_path).iterdir()}
    async with world.indexing(erases=False) as indexer:
        await indexer.caught_up()
        assert await world.turns.count() == 50
    assert {path.name for path in store(tmp_path).iterdir()} == before == {"1"}


async def test_what_is_stored_holds_no_words(world, tmp_path):
    await world.say_many(["the secret is swordfish"])
    async with world.indexing(erases=False) as indexer:
        await indexer.caught_up()
    files = [path for path in store(tmp_path).rglob("*") if path.is_file()]
    assert files
    assert not any(b"swordfish" in path.read_bytes() for path in files)


async def test_a_store_in_use_by_another_is_refused_and_left_alone(tmp_path):
    first, second = (ChromaIndex(tmp_path / "turns") for _ in range(2))
    try:
        await first.upsert(records_for([1]), vectors_for(1))
        with pytest.raises(StorageError, match="vector_store_in_use"):
            await second.count()
        assert await rows_near(second, vectors_for(1)[0]) == []
        with pytest.raises(StorageError):
            await second.clear()
        assert await first.count() == 1
    finally:
        await first.close()
        await second.close()


async def test_clearing_removes_every_file(tmp_path):
    index = ChromaIndex(tmp_path / "turns")
    try:
        await index.upsert(records_for(range(20)), vectors_for(20))
        await index.clear()
        assert [path for path in (tmp_path / "turns").rglob("*") if path.is_file()] == []
    finally:
        await index.close()
