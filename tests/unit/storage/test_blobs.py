"""Attachments: stored once, bounded, never lost while a message needs them."""

import asyncio
import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import aiofiles.os
import pytest
from sqlalchemy import select

from services.conversation.history import History
from services.domain.errors import InvalidRequest, NotFound, StorageError
from services.domain.messages import BlobPart
from services.settings import StorageSettings
from services.storage.blobs import BlobStore
from services.storage.tables import blobs
from tests.unit.storage.samples import Said, database_in

MEGABYTE = 2**20
HOUR = 3600


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def store(tmp_path, database, clock):
    settings = StorageSettings(data=tmp_path, blob_cache_mb=2, max_attachment_mb=1)
    return BlobStore(settings, database=database, clock=clock)


def files(folder):
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


async def test_same_bytes_are_one_file_under_their_digest(store, tmp_path):
    first = await store.put(b"picture", media_type="image/png")
    again = await store.put(b"picture", media_type="text/plain")
    assert first == again
    assert first.sha256 == hashlib.sha256(b"picture").hexdigest()
    assert [path.parent.name + path.name for path in files(tmp_path)] == [first.sha256]
    assert await store.read(first.sha256) == b"picture"


@pytest.mark.parametrize("impatient", [1, 2])
async def test_cancelled_while_its_file_is_being_opened_it_leaves_neither_file_nor_handle(
    store, tmp_path, monkeypatch, impatient
):
    asked, goes_on, made = threading.Event(), threading.Event(), []
    actual = Path.open

    def slow(path, mode):
        asked.set()
        goes_on.wait(20)
        made.append(actual(path, mode))
        return made[-1]

    monkeypatch.setattr(Path, "open", slow)
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(store.put(b"picture", media_type="image/png"))
        assert await asyncio.to_thread(asked.wait, 20)
        for _ in range(impatient):
            storing.cancel()
            await asyncio.sleep(0)
        goes_on.set()
        while not (made and made[0].closed):  # noqa: ASYNC110  a file tells nobody that it is closed
            await asyncio.sleep(0.001)
    assert storing.cancelled()
    if impatient == 1:
        assert files(tmp_path) == []


async def test_a_stream_that_grows_too_large_is_cut_off_and_leaves_nothing(store, tmp_path):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * (MEGABYTE // 4)

    with pytest.raises(InvalidRequest, match="1 MB"):
        await store.put(endless(), media_type="image/png")
    assert sent == 5
    assert files(tmp_path) == []
    exact = await store.put(b"x" * MEGABYTE, media_type="image/png")
    assert exact.size == MEGABYTE


async def test_least_recently_used_goes_first(store, tmp_path, clock):
    stored = []
    for letter in b"ab":
        stored.append(await store.put(bytes([letter]) * MEGABYTE, media_type="image/png"))
        clock.advance(2 * HOUR)
    await store.read(stored[0].sha256)
    clock.advance(2 * HOUR)
    await store.put(b"c" * MEGABYTE, media_type="image/png")
    assert await store.read(stored[0].sha256) == b"a" * MEGABYTE
    with pytest.raises(NotFound):
        await store.read(stored[1].sha256)
    assert len(files(tmp_path)) == 2


async def test_what_a_message_refers_to_and_what_is_new_stays(store, database, ids, clock):
    kept = await store.put(b"k" * MEGABYTE, media_type="image/png")
    part = BlobPart(
        kind="image", sha256=kept.sha256, media_type="image/png", name="k.png", size=kept.size
    )
    message = replace(Said(ids, clock)("look"), parts=(part,))
    history = History()
    async with database.transaction() as tx:
        await history.record(tx, message)
    clock.advance(2 * HOUR)
    new = [await store.put(bytes([n]) * MEGABYTE, media_type="image/png") for n in range(3)]
    for blob in (kept, *new):
        assert len(await store.read(blob.sha256)) == MEGABYTE
    async with database.transaction() as tx:
        await history.remove(tx, message.id, at=clock.now())
    assert await store.evict() == 0, "it was read a moment ago"
    clock.advance(2 * HOUR)
    assert await store.evict() == 2 * MEGABYTE


async def test_storing_the_same_again_while_it_is_dropped_keeps_file_and_row_together(
    store, database, tmp_path, clock, monkeypatch
):
    remove = aiofiles.os.remove
    removing = asyncio.Event()

    async def slowly(path):
        removing.set()
        await asyncio.sleep(0.05)
        await remove(path)

    monkeypatch.setattr(aiofiles.os, "remove", slowly)

    async def put_again():
        await removing.wait()
        await store.put(b"same" * 1000, media_type="image/png")

    await store.put(b"same" * 1000, media_type="image/png")
    clock.advance(2 * HOUR)
    await store.put(b"a" * MEGABYTE, media_type="image/png")
    await asyncio.gather(store.put(b"b" * MEGABYTE, media_type="image/png"), put_again())
    async with database.reader() as snapshot:
        rows = await snapshot.run(lambda c: c.execute(select(blobs.c.sha256)).scalars().all())
    assert len(rows) == 3
    assert {path.parent.name + path.name for path in files(tmp_path)} == set(rows)


async def test_names_never_lead_out_of_the_store(store, tmp_path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(NotFound):
        await store.read("../secret")


async def test_a_missing_file_is_not_found(store, tmp_path):
    blob = await store.put(b"x", media_type="image/png")
    files(tmp_path)[0].unlink()
    with pytest.raises(NotFound):
        await store.read(blob.sha256)


async def test_a_folder_that_cannot_be_written_is_a_storage_error(store, tmp_path):
    (tmp_path / "blobs").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be saved"):
        await store.put(b"x", media_type="image/png")
