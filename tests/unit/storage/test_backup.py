"""What goes into a backup comes out of it, and nothing else replaces what is there."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from services.conversation.history import History
from services.domain.errors import AcoreError, Busy, InvalidRequest, NotFound, StorageError
from services.domain.ids import UlidSource
from services.domain.messages import BlobPart
from services.settings import HousekeepingSettings, StorageSettings
from services.storage import backup as backups
from services.storage.archive import Stopped, open_archive
from services.storage.backup import backup, backup_folder, made_at, newest_backup
from services.storage.blobs import BlobStore
from services.storage.database import Database
from services.storage.restore import restore
from services.storage.tables import people
from tests.fakes.clock import ManualClock
from tests.unit.storage.samples import ALICE, PLACE, Said, database_in


@dataclass
class Home:
    """A data folder in use, with a message, an attachment and a character of its own."""

    settings: StorageSettings
    database: Database
    blobs: BlobStore
    clock: ManualClock
    sha256: str

    @property
    def data(self) -> Path:
        return self.settings.data

    async def backup(self, target: Path) -> Path:
        return await backup(self.settings, target, clock=self.clock)


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock, ids: UlidSource) -> AsyncIterator[Home]:
    settings = StorageSettings(data=tmp_path / "data")
    async with database_in(settings.data, clock) as database:
        blobs = BlobStore(settings, database=database, clock=clock)
        stored = await blobs.put(b"a picture of a heron" * 5000, media_type="image/png")
        message = Said(ids, clock)("look at this", ALICE)
        part = BlobPart(
            kind="image",
            sha256=stored.sha256,
            media_type="image/png",
            name="heron.png",
            size=stored.size,
        )
        async with database.transaction() as tx:
            await History().record(tx, replace(message, parts=(*message.parts, part)))
        card = settings.data / "characters" / "wren" / "card.json"
        card.parent.mkdir(parents=True)
        card.write_text('{"name": "Wren"}')
        yield Home(settings, database, blobs, clock, stored.sha256)


def rewritten(archive: Path, change: Mapping[str, bytes | None], *, into: Path) -> Path:
    """A copy of ``archive`` with some members changed, dropped (``None``) or added."""
    with tarfile.open(archive) as old, tarfile.open(into, "w") as new:
        members = {member.name: old.extractfile(member).read() for member in old}  # type: ignore[union-attr]
        for name, content in {**members, **change}.items():
            if content is not None:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))
    return into


def manifest_of(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as tar:
        file = tar.extractfile("manifest.json")
        assert file is not None
        return json.loads(file.read())  # type: ignore[no-any-return]


async def test_everything_that_cannot_be_rebuilt_comes_back(home: Home, tmp_path: Path) -> None:
    made = await home.backup(tmp_path / "copies")
    assert made.name == "acore-20260101-120000.tar"
    assert list(made.parent.iterdir()) == [made]
    assert made.stat().st_mode & 0o077 == 0
    target = tmp_path / "elsewhere"
    restored = await restore(made, target, replace=False, clock=home.clock)
    assert restored.counts["messages"] == 1
    assert restored.replaced is None
    assert (target / "characters" / "wren" / "card.json").read_text() == '{"name": "Wren"}'
    async with database_in(target, home.clock) as database:
        blobs = BlobStore(StorageSettings(data=target), database=database, clock=home.clock)
        assert await blobs.read(home.sha256) == b"a picture of a heron" * 5000
        async with database.reader() as snapshot:
            (entry,) = await History().recent(snapshot, PLACE, limit=10)
        assert entry.text == "look at this"


async def test_logs_models_and_what_is_not_ours_stay_out(home: Home, tmp_path: Path) -> None:
    for name in ("logs/acore.log", "models/big.gguf", "acore.db.lock", "blobs/.1-1.part"):
        (home.data / name).parent.mkdir(exist_ok=True)
        (home.data / name).write_text("x")
    secret = tmp_path / "outside.txt"
    secret.write_text("not part of the data")
    (home.data / "characters" / "link.json").symlink_to(secret)
    made = await home.backup(tmp_path / "copies")
    with open_archive(made) as archive:
        names = {file.name for file in archive.manifest.files}
    assert names == {
        "acore.db",
        f"blobs/{home.sha256[:2]}/{home.sha256[2:]}",
        "characters/wren/card.json",
    }


async def test_a_backup_never_replaces_a_file(home: Home, tmp_path: Path) -> None:
    made = await home.backup(tmp_path / "copies")
    before = made.read_bytes()
    with pytest.raises(InvalidRequest, match="exists already"):
        await home.backup(made)
    assert made.read_bytes() == before


async def test_a_backup_of_nothing_says_so(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(NotFound):
        await backup(StorageSettings(data=tmp_path), tmp_path / "copies", clock=clock)
    assert not (tmp_path / "copies").exists()


async def test_an_attachment_that_is_gone_does_not_stop_the_backup(
    home: Home, tmp_path: Path
) -> None:
    (home.data / "blobs" / home.sha256[:2] / home.sha256[2:]).unlink()
    made = await home.backup(tmp_path / "copies")
    with open_archive(made) as archive:
        assert archive.manifest.missing == (f"blobs/{home.sha256[:2]}/{home.sha256[2:]}",)


async def test_what_a_killed_backup_left_goes_and_what_a_running_one_writes_stays(
    home: Home, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    dead = [copies / "acore-20250101-000000.tar.part", copies / "acore-20250101-000000.db.part"]
    alive = [copies / "acore-20250102-000000.tar.part", copies / "acore-20250102-000000.db.part"]
    foreign = copies / "thesis.tar.part"
    for path in (*dead, *alive, foreign):
        path.write_text("half")
    with alive[0].open("rb") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        made = await home.backup(copies)
    assert set(copies.iterdir()) == {*alive, foreign, made}


async def test_without_room_nothing_is_begun(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match=r"make room") as full:
        await home.backup(tmp_path / "copies")
    assert full.value.code == "backup_space"
    assert list((tmp_path / "copies").iterdir()) == []


async def test_a_cancelled_backup_stops_and_leaves_nothing(home: Home, tmp_path: Path) -> None:
    def fill(connection: Connection) -> None:
        rows = [(f"{n:0640x}",) for n in range(60_000)]
        connection.exec_driver_sql("CREATE TABLE ballast (a TEXT)")
        connection.exec_driver_sql("INSERT INTO ballast VALUES (?)", rows)

    async with home.database.transaction() as tx:
        await tx.run(fill)
    copies = tmp_path / "copies"
    async with asyncio.TaskGroup() as group:
        work = group.create_task(home.backup(copies))
        await _until(lambda: copies.exists() and any(copies.iterdir()))
        work.cancel()
    await _until(lambda: not any(copies.iterdir()))


async def test_even_copying_the_database_can_be_stopped(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE ballast (a TEXT)")
        rows = [(f"{n}",) for n in range(50_000)]
        connection.exec_driver_sql("INSERT INTO ballast VALUES (?)", rows)

    async with home.database.transaction() as tx:
        await tx.run(fill)
    monkeypatch.delattr(backups, "ArchiveWriter")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        backups._backup(home.settings, tmp_path / "copies", now=home.clock.now(), stop=stop)
    assert not any((tmp_path / "copies").iterdir())


async def test_a_folder_inside_the_data_is_refused(tmp_path: Path) -> None:
    storage = StorageSettings(data=tmp_path / "data")
    inside = HousekeepingSettings(backups=tmp_path / "data" / "backups")
    with pytest.raises(InvalidRequest, match="lost with it"):
        backup_folder(storage, inside)
    assert backup_folder(storage, HousekeepingSettings()) == tmp_path / "backups"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("acore-20260101-040000.tar", True),
        ("acore-20260101-040000.db", True),
        ("acore-20261301-040000.tar", False),
        ("acore-20260101-040000.tar.part", False),
        ("acore-20260101-040000-mine.tar", False),
        ("Acore-20260101-040000.tar", False),
    ],
)
def test_only_names_of_our_own_are_backups(name: str, known: bool, tmp_path: Path) -> None:
    assert (made_at(Path(name)) is not None) is known
    (tmp_path / name).touch()
    assert (newest_backup(tmp_path) is not None) is known


# -- restoring


async def test_existing_data_is_refused_and_with_replace_moved_aside(
    home: Home, tmp_path: Path
) -> None:
    made = await home.backup(tmp_path / "copies")
    target = tmp_path / "target"
    async with database_in(target, home.clock) as database, database.transaction() as tx:
        await tx.run(_add, "bob")
    (target / "blobs").mkdir()
    (target / "blobs" / "old").write_text("old")
    (target / "models").mkdir()
    with pytest.raises(InvalidRequest, match="--replace"):
        await restore(made, target, replace=False, clock=home.clock)
    restored = await restore(made, target, replace=True, clock=home.clock)
    assert restored.replaced == target / "replaced-20260101-120000"
    assert (restored.replaced / "blobs" / "old").read_text() == "old"
    assert (target / "models").is_dir()
    assert await _people(target, home.clock) == []
    assert await _people(restored.replaced, home.clock) == ["bob"]
    assert not (target / "restoring").exists()


async def test_a_database_file_alone_leaves_attachments_and_characters(
    home: Home, tmp_path: Path
) -> None:
    bare = tmp_path / "before-0001-20260101-000000.db"
    async with database_in(tmp_path / "older", home.clock) as older, older.transaction() as tx:
        await tx.run(_add, "carol")
    shutil.copy(tmp_path / "older" / "acore.db", bare)
    await home.database.__aexit__(None, None, None)
    await restore(bare, home.data, replace=True, clock=home.clock)
    assert await _people(home.data, home.clock) == ["carol"]
    assert (home.data / "characters" / "wren" / "card.json").exists()
    assert (home.data / "blobs" / home.sha256[:2] / home.sha256[2:]).exists()


async def test_a_folder_in_use_is_refused(home: Home, tmp_path: Path) -> None:
    made = await home.backup(tmp_path / "copies")
    with pytest.raises(Busy, match="Another acore"):
        await restore(made, home.data, replace=True, clock=home.clock)
    async with home.database.reader() as snapshot:
        assert len(await History().recent(snapshot, PLACE, limit=5)) == 1


async def test_every_damaged_archive_is_refused_and_changes_nothing(
    home: Home, tmp_path: Path
) -> None:
    made = await home.backup(tmp_path / "copies")
    manifest = manifest_of(made)
    blob = f"blobs/{home.sha256[:2]}/{home.sha256[2:]}"
    escape = {**manifest, "files": [*manifest["files"], _listed("characters/../../escaped", b"!")]}
    absolute = {**manifest, "files": [*manifest["files"], _listed("/escaped", b"!")]}
    twice = {**manifest, "files": [*manifest["files"], manifest["files"][0]]}
    no_database = {**manifest, "files": manifest["files"][1:]}
    whole = made.read_bytes()
    archives = [
        rewritten(made, {blob: b"a picture of a stork" * 5000}, into=tmp_path / "changed.tar"),
        rewritten(made, {blob: None}, into=tmp_path / "lost.tar"),
        rewritten(made, {"manifest.json": None}, into=tmp_path / "unfinished.tar"),
        rewritten(made, {"manifest.json": b"{}"}, into=tmp_path / "empty.tar"),
        rewritten(
            made,
            {"manifest.json": _json(escape), "characters/../../escaped": b"!"},
            into=tmp_path / "escape.tar",
        ),
        rewritten(
            made,
            {"manifest.json": _json(absolute), "/escaped": b"!"},
            into=tmp_path / "absolute.tar",
        ),
        rewritten(made, {"manifest.json": _json(twice)}, into=tmp_path / "twice.tar"),
        rewritten(made, {"manifest.json": _json(no_database)}, into=tmp_path / "bodiless.tar"),
    ]
    for name, content in (
        ("cut.tar", whole[: len(whole) // 2]),
        ("short.tar", whole[:100]),
        ("nothing.tar", b""),
        ("letter.tar", b"Dear Ann, " * 1000),
        ("broken.db", b"SQLite format 3\x00" + b"\xff" * 5000),
    ):
        (tmp_path / name).write_bytes(content)
        archives.append(tmp_path / name)
    target = tmp_path / "target"
    async with database_in(target, home.clock) as database, database.transaction() as tx:
        await tx.run(_add, "dora")
    for archive in archives:
        with pytest.raises(InvalidRequest, match="not a complete backup"):
            await restore(archive, target, replace=True, clock=home.clock)
        assert {path.name for path in target.iterdir()} == {"acore.db", "acore.db.lock"}, archive
    assert await _people(target, home.clock) == ["dora"]
    assert not (tmp_path / "escaped").exists()


async def test_a_backup_of_a_newer_acore_is_refused(home: Home, tmp_path: Path) -> None:
    made = await home.backup(tmp_path / "copies")
    newer = rewritten(
        made, {"manifest.json": _json({**manifest_of(made), "format": 2})}, into=tmp_path / "n.tar"
    )
    with pytest.raises(InvalidRequest, match="newer acore"):
        await restore(newer, tmp_path / "target", replace=False, clock=home.clock)
    async with home.database.transaction() as tx:
        await tx.run(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    home.clock.advance(60)
    later = await home.backup(tmp_path / "copies")
    with pytest.raises(InvalidRequest, match="newer acore"):
        await restore(later, tmp_path / "target", replace=False, clock=home.clock)
    assert not (tmp_path / "target" / "acore.db").exists()


async def test_a_restore_without_room_changes_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await home.backup(tmp_path / "copies")
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match="make room"):
        await restore(made, tmp_path / "target", replace=False, clock=home.clock)
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["acore.db.lock"]


async def test_while_a_restore_is_unfinished_nobody_reads_halves(
    home: Home, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    async with database_in(target, home.clock):
        pass
    (target / "restoring" / "new").mkdir(parents=True)
    with pytest.raises(Busy, match="cut off"):
        async with database_in(target, home.clock, read_only=True):
            pass
    with pytest.raises(Busy, match="cut off"):
        await backup(StorageSettings(data=target), tmp_path / "copies", clock=home.clock)
    async with database_in(target, home.clock):
        assert not (target / "restoring").exists()


async def test_restored_twice_in_one_second_both_old_ones_are_kept(
    home: Home, tmp_path: Path
) -> None:
    made = await home.backup(tmp_path / "copies")
    target = tmp_path / "target"
    for _ in range(3):
        await restore(made, target, replace=True, clock=home.clock)
    assert sorted(path.name for path in target.glob("replaced-*")) == [
        "replaced-20260101-120000",
        "replaced-20260101-120000-1",
    ]


async def test_a_folder_that_cannot_be_moved_is_refused_before_anything_happens(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await home.backup(tmp_path / "copies")
    target = tmp_path / "target"
    await restore(made, target, replace=False, clock=home.clock)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == target / "blobs")
    with pytest.raises(InvalidRequest, match="disk of its own"):
        await restore(made, target, replace=True, clock=home.clock)
    assert not (target / "restoring").exists()


async def test_a_restore_that_breaks_off_is_finished_by_whoever_comes_next(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await home.backup(tmp_path / "copies")
    target = tmp_path / "target"
    await restore(made, target, replace=False, clock=home.clock)
    rename = Path.rename

    def refusing(self: Path, goal: Path) -> Path:
        if self == target / "characters":
            raise PermissionError(13, "Permission denied")
        return rename(self, goal)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(StorageError, match="goes on with it"):
        await restore(made, target, replace=True, clock=home.clock)
    monkeypatch.undo()
    with pytest.raises(InvalidRequest, match="--replace"):
        await restore(made, target, replace=False, clock=home.clock)
    assert not (target / "restoring").exists()
    assert (target / "characters" / "wren" / "card.json").exists()
    assert (target / "replaced-20260101-120000" / "characters" / "wren" / "card.json").exists()


async def test_a_missing_file_is_named(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(AcoreError, match=r"no backup .*gone\.tar"):
        await restore(tmp_path / "gone.tar", tmp_path / "data", replace=False, clock=clock)
    assert not (tmp_path / "data").exists()


def _add(connection: Connection, name: str) -> None:
    connection.execute(
        insert(people).values(id=name, display_name=name, created_at=ManualClock().now())
    )


async def _people(folder: Path, clock: ManualClock) -> list[str]:
    async with database_in(folder, clock) as database, database.reader() as snapshot:
        return await snapshot.run(
            lambda c: list(c.execute(select(people.c.id).order_by(people.c.id)).scalars())
        )


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  a thread at work tells nobody
            await asyncio.sleep(0.001)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _listed(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
