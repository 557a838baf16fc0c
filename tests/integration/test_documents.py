"""The documents folder and what can be recalled of it stay in step, whatever happens."""

import asyncio
import os
from contextlib import aclosing, asynccontextmanager

import pytest
from sqlalchemy import text

from services.domain.errors import InvalidRequest
from services.memory.documents import repository
from services.memory.documents.extraction import Extractor
from services.memory.documents.repository import State
from services.memory.documents.shelf import DocumentShelf, Sync
from services.settings import MemorySettings, StorageSettings
from services.storage.database import Database


class Watched:
    """Notes which vectors are to be forgotten."""

    def __init__(self):
        self.rows = []

    def wake(self, *, sweep=False):
        pass

    async def dropped(self, rows, /, *, thoroughly=False):
        self.rows += rows


@pytest.fixture
async def database(tmp_path, clock):
    async with Database(StorageSettings(data=tmp_path), clock=clock) as opened:
        yield opened


@pytest.fixture
def index():
    return Watched()


@pytest.fixture
def shelf(database, tmp_path, clock, ids, index):
    (tmp_path / "documents" / "base").mkdir(parents=True)
    return shelf_of(database, tmp_path, clock, ids, index)


def shelf_of(database, tmp_path, clock, ids, index, **options):
    return DocumentShelf(
        MemorySettings(max_document_mb=4),
        data=tmp_path,
        database=database,
        clock=clock,
        ids=ids,
        index=index,
        on_notice=lambda code, text: None,
        look_seconds=0.05,
        **options,
    )


class StoppingExtractor(Extractor):
    async def read(self, path):
        seen = 0
        async with aclosing(super().read(path)) as passages:
            async for passage in passages:
                yield passage
                seen += 1
                if seen == 60:
                    await asyncio.Event().wait()


@asynccontextmanager
async def stopping_extractor():
    """An extractor that reads half a document and never the rest."""

    reading = StoppingExtractor()
    try:
        yield reading
    finally:
        await reading.close()


async def matching(database, word):
    def work(connection):
        found = connection.execute(
            text(
                "SELECT r.ref FROM recollection_words w JOIN recollections r ON r.id = w.rowid "
                "WHERE recollection_words MATCH :word"
            ),
            {"word": word},
        )
        return repository.quotable(connection, list(found.scalars()))

    async with database.reader() as snapshot:
        return await snapshot.run(work)


async def until(condition):
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  the database has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_changed_document_replaces_what_it_said(database, shelf, index, tmp_path):
    file = tmp_path / "documents" / "base" / "crew.md"
    file.write_text("# Crew\nThe captain is called Imre.")
    assert await shelf.sync() == Sync(read=1)
    [passage] = (await matching(database, "captain")).values()
    assert (passage.category, passage.path, passage.heading) == ("base", "crew.md", "Crew")

    file.write_text("# Crew\nThe captain is called Zsofia.")
    assert await shelf.sync() == Sync(read=1)
    assert [one.text for one in (await matching(database, "captain")).values()] == [
        "The captain is called Zsofia."
    ]
    assert not await matching(database, "Imre")
    assert len(index.rows) == 1


async def test_a_removed_document_leaves_no_words_on_disk(database, shelf, tmp_path):
    file = tmp_path / "documents" / "secret.txt"
    file.write_text("The password of the vault is qwyjibozzle.")
    await shelf.sync()
    assert await matching(database, "qwyjibozzle")
    file.unlink()
    assert await shelf.sync() == Sync(removed=1)
    await database.checkpoint()
    left = [
        one.name for one in tmp_path.iterdir() if one.is_file() and b"qwyjibo" in one.read_bytes()
    ]
    assert left == []


async def test_a_touched_document_is_not_read_again(database, shelf, tmp_path):
    file = tmp_path / "documents" / "base" / "crew.md"
    file.write_text("The captain is called Imre.")
    await shelf.sync()
    os.utime(file, ns=(1, 1))
    assert await shelf.sync() == Sync(unchanged=1)
    assert await shelf.sync(afresh=True) == Sync(read=1)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("noise.txt", bytes(range(256)) * 20, "is not text"),
        ("huge.txt", b"x" * (4 * 2**20 + 1), "larger than 4 MB"),
        ("broken.pdf", b"%PDF-1.4 nothing", "not a readable PDF"),
        ("photo.png", b"\x89PNG", "not a document acore reads"),
    ],
)
async def test_a_bad_document_is_refused_and_takes_nothing_with_it(
    shelf, tmp_path, name, data, said
):
    folder = tmp_path / "documents" / "base"
    (folder / name).write_bytes(data)
    (folder / "zz.md").write_text("Good.")
    assert await shelf.sync() == Sync(read=1, refused=1)
    assert await shelf.sync() == Sync(unchanged=2)
    problems = {one.document.path: one.document.problem for one in await shelf.overview()}
    assert said in problems[name]
    assert problems["zz.md"] is None


async def test_a_document_that_became_unreadable_is_no_longer_recalled(database, shelf, tmp_path):
    file = tmp_path / "documents" / "base" / "crew.txt"
    file.write_text("The captain is called Imre.")
    await shelf.sync()
    file.write_bytes(b"\x00\x01" * 200)
    assert await shelf.sync() == Sync(refused=1)
    assert not await matching(database, "captain")


async def test_half_a_document_is_never_recalled_and_is_cleared_away(
    database, shelf, tmp_path, clock, ids, index
):
    file = tmp_path / "documents" / "base" / "long.txt"
    file.write_text("The captain sleeps well every night in summer. " * 2_000)
    stopping = shelf_of(database, tmp_path, clock, ids, index, extracting=stopping_extractor)

    async def some_passages():
        return any(one.passages for one in await shelf.overview())

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(stopping.sync())
        await until(some_passages)
        reading.cancel()
    [half] = await shelf.overview()
    assert half.document.state is State.READING
    assert not await matching(database, "captain")
    assert await shelf.sync() == Sync(read=1)
    [whole] = await shelf.overview()
    assert whole.document.state is State.READY
    assert len(await matching(database, "captain")) == whole.passages


async def test_it_follows_the_folder_by_itself(database, shelf, tmp_path):
    async with shelf:
        (tmp_path / "documents" / "base" / "crew.md").write_text("The captain is called Imre.")
        await until(lambda: matching(database, "captain"))


async def test_a_pipe_in_the_folder_does_not_hang_the_look(shelf, tmp_path):
    os.mkfifo(tmp_path / "documents" / "base" / "pipe.txt")
    async with asyncio.timeout(5):
        assert await shelf.sync() == Sync()


async def test_a_link_out_of_the_folder_is_not_followed(shelf, tmp_path):
    (tmp_path / "outside.txt").write_text("Not for sharing.")
    (tmp_path / "documents" / "base" / "link.txt").symlink_to(tmp_path / "outside.txt")
    assert await shelf.sync() == Sync()


async def test_a_child_that_dies_or_stalls_costs_one_document(tmp_path):
    stalling = tmp_path / "pipe.txt"
    os.mkfifo(stalling)
    good = tmp_path / "good.txt"
    good.write_text("Fine.")
    extractor = Extractor(silence=0.5)
    try:
        with pytest.raises(InvalidRequest, match="too much time"):
            [_ async for _ in extractor.read(stalling)]
        assert [one.text async for one in extractor.read(good)] == ["Fine."]
    finally:
        await extractor.close()
