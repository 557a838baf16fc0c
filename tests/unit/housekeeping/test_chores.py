"""Every chore against real files and rows: what goes, and above all what stays."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from services.conversation.actions import ActionState, PendingActions
from services.conversation.history import History
from services.domain.errors import AcoreError
from services.domain.ids import UlidSource
from services.domain.messages import BlobPart
from services.housekeeping.attachments import StrayAttachments
from services.housekeeping.chore import Chore, ChoreReport, Round
from services.housekeeping.clips import Clips
from services.housekeeping.logs import RotatedLogs
from services.housekeeping.nightly import NightlyBackup
from services.housekeeping.records import ExpiredActions, OldExplanations
from services.housekeeping.snapshots import PromptSnapshots
from services.housekeeping.temporary import TemporaryFiles
from services.housekeeping.upkeep import DatabaseUpkeep
from services.settings import HousekeepingSettings, StorageSettings
from services.storage.blobs import BlobStore
from services.storage.database import Database
from services.storage.tables import blobs, pending_actions, turns
from tests.fakes.clock import ManualClock
from tests.unit.housekeeping.samples import BUSY, DAY, HOUR, NOW, QUIET, converse, turn
from tests.unit.storage.samples import Said, database_in


def put(path: Path, *, age: timedelta, read: timedelta | None = None, size: int = 10) -> Path:
    """Write a file of ``size`` bytes that was changed ``age`` ago, and read ``read`` ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    changed = (NOW - age).timestamp()
    os.utime(path, (changed if read is None else (NOW - read).timestamp(), changed))
    return path


async def done(chore: Chore, as_of: datetime = NOW, *, quiet: bool = True) -> ChoreReport:
    """Rehearse, see that nothing changed, and do it."""
    expected = await chore.run(Round(as_of=as_of, rehearsal=True))
    report = await chore.run(Round(as_of=as_of, quiet=quiet))
    assert (expected.removed, expected.bytes) == (report.removed, report.bytes)
    return report


@pytest.fixture
async def database(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Database]:
    async with database_in(tmp_path, clock) as opened:
        yield opened


# -- temporary files


async def test_temporary_files_go_after_their_hours_and_nothing_else(tmp_path: Path) -> None:
    old, young = 25 * HOUR, 23 * HOUR
    gone = [
        put(tmp_path / "tmp" / "a" / "b.wav", age=old),
        put(tmp_path / "models" / "big.gguf.part", age=old),
        put(tmp_path / "models" / "big.gguf.part.etag", age=old),
        put(tmp_path / "blobs" / ".12-1.part", age=old),
        put(tmp_path / "backups" / "before-0001-x.db.part", age=old),
        put(tmp_path / "characters" / ".index-1a.part", age=old),
    ]
    stay = [
        put(tmp_path / "tmp" / "c.wav", age=young),
        put(tmp_path / "models" / "more.gguf.part", age=young),
        put(tmp_path / "models" / "more.gguf.part.etag", age=old),
        put(tmp_path / "models" / "big.gguf", age=old),
        put(tmp_path / "characters" / "wren" / "card.json", age=old),
        put(tmp_path / "characters" / "wren" / "files" / "song.part", age=old),
        put(tmp_path / "notes.part", age=old),
    ]
    outside = put(tmp_path.parent / f"{tmp_path.name}-precious.txt", age=old)
    (tmp_path / "tmp" / "link").symlink_to(outside)
    os.utime(tmp_path / "tmp" / "link", (0, 0), follow_symlinks=False)
    report = await TemporaryFiles(tmp_path, hours=24).run(Round(as_of=NOW))
    assert report == ChoreReport(removed=6, bytes=60)
    assert not [path for path in gone if path.exists()]
    assert all(path.exists() for path in (*stay, outside))
    assert (tmp_path / "tmp" / "link").is_symlink()


async def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    precious = put(tmp_path / "elsewhere" / "diary.txt", age=99 * DAY)
    (tmp_path / "data" / "tmp").mkdir(parents=True)
    (tmp_path / "data" / "tmp" / "folder").symlink_to(precious.parent)
    assert (await done(TemporaryFiles(tmp_path / "data", hours=1))).removed == 0
    assert precious.exists()


async def test_a_restore_that_was_given_up_goes(tmp_path: Path) -> None:
    staged = put(tmp_path / "restore-20260101-000000.part" / "new" / "acore.db", age=DAY)
    os.utime(staged.parents[1], (0, (NOW - 25 * HOUR).timestamp()))
    recent = put(tmp_path / "restore-20260102-000000.part" / "new" / "acore.db", age=DAY)
    os.utime(recent.parents[1], (0, (NOW - HOUR).timestamp()))
    waiting = put(tmp_path / "restoring" / "new" / "acore.db", age=99 * DAY)
    replaced = put(tmp_path / "replaced-20250101-000000" / "acore.db", age=99 * DAY)
    assert (await done(TemporaryFiles(tmp_path, hours=24))).removed == 1
    assert not staged.parents[1].exists()
    assert recent.exists()
    assert waiting.exists()
    assert replaced.exists()


async def test_an_import_that_was_killed_goes_and_one_that_goes_on_stays(tmp_path: Path) -> None:
    left = put(tmp_path / ".importing-a1" / "card.json", age=99 * DAY)
    os.utime(left.parent, (0, (NOW - 25 * HOUR).timestamp()))
    going_on = put(tmp_path / ".importing-b2" / "card.json", age=99 * DAY)
    os.utime(going_on.parent, (0, (NOW - HOUR).timestamp()))
    assert await done(TemporaryFiles(tmp_path, hours=24)) == ChoreReport(removed=1, bytes=10)
    assert not left.parent.exists()
    assert going_on.exists()


async def test_a_missing_folder_is_nothing_to_do(tmp_path: Path) -> None:
    for chore in (
        TemporaryFiles(tmp_path / "none", hours=1),
        Clips(tmp_path / "none", days=1),
        RotatedLogs(tmp_path / "none" / "acore.log", days=1),
        PromptSnapshots([tmp_path / "none"]),
    ):
        assert await done(chore) == ChoreReport()


async def test_a_file_that_cannot_be_removed_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = put(tmp_path / "tmp" / "a", age=9 * DAY)
    put(tmp_path / "tmp" / "b", age=9 * DAY)
    unlink = Path.unlink

    def refusing(self: Path, missing_ok: bool = False) -> None:
        if self == held:
            raise PermissionError(13, "Permission denied")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    report = await TemporaryFiles(tmp_path, hours=24).run(Round(as_of=NOW))
    assert report.removed == 1
    assert held.exists()


# -- clips, logs, snapshots


async def test_clips_that_are_still_played_stay(tmp_path: Path) -> None:
    gone = put(tmp_path / "clips" / "ab" / "1.ogg", age=15 * DAY)
    played = put(tmp_path / "clips" / "ab" / "2.ogg", age=99 * DAY, read=13 * DAY)
    new = put(tmp_path / "clips" / "3.ogg", age=13 * DAY, read=99 * DAY)
    assert (await done(Clips(tmp_path, days=14))).removed == 1
    assert not gone.exists()
    assert played.exists()
    assert new.exists()


async def test_only_rotated_logs_go(tmp_path: Path) -> None:
    log = put(tmp_path / "acore.log", age=99 * DAY)
    gone = [put(tmp_path / f"acore.log.{n}", age=31 * DAY) for n in (1, 2)]
    stay = [
        put(tmp_path / "acore.log.3", age=29 * DAY),
        put(tmp_path / "embedded.log", age=99 * DAY),
        put(tmp_path / "acore.log.1.txt", age=99 * DAY),
        put(tmp_path / "acoreXlog.1", age=99 * DAY),
    ]
    assert (await done(RotatedLogs(log, days=30))).removed == 2
    assert not [path for path in gone if path.exists()]
    assert all(path.exists() for path in (log, *stay))


async def test_snapshots_stay_with_their_model(tmp_path: Path) -> None:
    name = f"{'a' * 64}-{'b' * 16}.bin"
    put(tmp_path / "with" / "model.gguf", age=99 * DAY)
    used = put(tmp_path / "with" / "prefixes" / name, age=89 * DAY)
    unused = put(tmp_path / "with" / "prefixes" / name.replace("a", "c"), age=91 * DAY)
    orphan = put(tmp_path / "without" / "prefixes" / name, age=2 * DAY)
    foreign = put(tmp_path / "without" / "prefixes" / "photo.bin", age=999 * DAY)
    folders = [tmp_path / "with" / "prefixes", tmp_path / "without" / "prefixes"]
    assert (await done(PromptSnapshots(folders))).removed == 2
    assert used.exists()
    assert foreign.exists()
    assert not unused.exists()
    assert not orphan.exists()


async def test_a_clock_far_ahead_that_is_not_believed_removes_nothing(tmp_path: Path) -> None:
    paths = [
        put(tmp_path / "tmp" / "a", age=HOUR),
        put(tmp_path / "clips" / "b", age=HOUR),
        put(tmp_path / "acore.log.1", age=HOUR),
    ]
    for chore in (
        TemporaryFiles(tmp_path, hours=48),
        Clips(tmp_path, days=14),
        RotatedLogs(tmp_path / "acore.log", days=30),
    ):
        assert (await done(chore, as_of=NOW + DAY)).removed == 0
        assert (await done(chore, as_of=NOW - 999 * DAY)).removed == 0
    assert all(path.exists() for path in paths)


# -- attachments


async def test_what_a_crash_left_of_attachments_goes(
    tmp_path: Path, database: Database, clock: ManualClock, ids: UlidSource
) -> None:
    store = BlobStore(StorageSettings(data=tmp_path), database=database, clock=clock)
    kept = await store.put(b"kept in the cache", media_type="image/png")
    shown = await store.put(b"shown in a message", media_type="image/png")
    bodiless = await store.put(b"its file is gone", media_type="image/png")
    part = BlobPart(
        kind="image", sha256=shown.sha256, media_type="image/png", name="a.png", size=shown.size
    )
    message = Said(ids, clock)("look")
    async with database.transaction() as tx:
        await History().record(tx, replace(message, parts=(*message.parts, part)))
        # As an older backup would leave it: the message is known, the row is not.
        await tx.run(lambda c: c.execute(blobs.delete().where(blobs.c.sha256 == shown.sha256)))
    for blob in (kept, shown):
        os.utime(_blob(tmp_path, blob.sha256), (0, 0))
    _blob(tmp_path, bodiless.sha256).unlink()
    orphan = put(_blob(tmp_path, "a" * 64), age=2 * DAY)
    young = put(_blob(tmp_path, "b" * 64), age=-2 * HOUR)
    foreign = put(tmp_path / "blobs" / "aa" / "readme.txt", age=99 * DAY)

    clock.advance(2 * 24 * 3600)
    report = await done(StrayAttachments(store), as_of=NOW + 25 * HOUR)
    assert report == ChoreReport(removed=2, bytes=10)
    assert not orphan.exists()
    assert young.exists()
    assert foreign.exists()
    assert await store.read(kept.sha256) == b"kept in the cache"
    assert _blob(tmp_path, shown.sha256).exists()
    async with database.reader() as snapshot:
        left = await snapshot.run(lambda c: list(c.execute(select(blobs.c.sha256)).scalars()))
    assert left == [kept.sha256]


async def test_a_disk_that_is_away_costs_no_row_of_an_attachment(
    tmp_path: Path, database: Database, clock: ManualClock, ids: UlidSource
) -> None:
    store = BlobStore(StorageSettings(data=tmp_path), database=database, clock=clock)
    shown = await store.put(b"shown in a message", media_type="image/png")
    part = BlobPart(
        kind="image", sha256=shown.sha256, media_type="image/png", name="a.png", size=shown.size
    )
    message = Said(ids, clock)("look")
    async with database.transaction() as tx:
        await History().record(tx, replace(message, parts=(*message.parts, part)))
    (tmp_path / "blobs").rename(tmp_path / "unmounted")
    clock.advance(99 * 24 * 3600)
    assert (await done(StrayAttachments(store), as_of=clock.now())).removed == 0
    (tmp_path / "unmounted").rename(tmp_path / "blobs")
    assert await store.read(shown.sha256) == b"shown in a message"


async def test_a_stray_stored_again_at_that_moment_stays(
    tmp_path: Path, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(StorageSettings(data=tmp_path), database=database, clock=clock)
    digest = hashlib.sha256(b"back again").hexdigest()
    put(_blob(tmp_path, digest), age=9 * DAY)
    drop = store._drop_stray

    async def late(path: Path) -> bool:
        await store.put(b"back again", media_type="image/png")
        return await drop(path)

    monkeypatch.setattr(store, "_drop_stray", late)
    assert (await StrayAttachments(store).run(Round(as_of=NOW))).removed == 0
    assert await store.read(digest) == b"back again"


def _blob(data: Path, sha256: str) -> Path:
    return data / "blobs" / sha256[:2] / sha256[2:]


# -- rows


async def test_questions_expire(database: Database) -> None:
    def ask(connection: Connection) -> None:
        converse(connection)
        for name, expires in (("old", NOW - HOUR), ("new", NOW + HOUR)):
            connection.execute(
                insert(pending_actions).values(
                    id=name,
                    turn_id="t",
                    conversation_id=str(BUSY),
                    persona_id="mira",
                    tool="remind",
                    arguments={},
                    question="May I?",
                    state=ActionState.PENDING.value,
                    created_at=NOW - DAY,
                    expires_at=expires,
                )
            )

    async with database.transaction() as tx:
        await tx.run(ask)
    assert (await done(ExpiredActions(database, PendingActions()))).removed == 1
    async with database.reader() as snapshot:
        states = await snapshot.run(
            lambda c: {
                row.id: row.state
                for row in c.execute(select(pending_actions.c.id, pending_actions.c.state))
            }
        )
    assert states == {"old": "expired", "new": "pending"}


async def test_explanations_go_when_they_are_old_and_far_back(database: Database) -> None:
    def talk(connection: Connection) -> None:
        converse(connection)
        for n in range(1200):
            ended = NOW - (40 * DAY if n < 1100 else 10 * DAY)
            connection.execute(insert(turns).values(**turn(f"{n:04}", ended)))
        connection.execute(
            insert(turns).values(**turn("quiet", NOW - 400 * DAY, conversation=QUIET))
        )
        connection.execute(insert(turns).values(**turn("open", None, conversation=QUIET)))

    async with database.transaction() as tx:
        await tx.run(talk)
    assert (await done(OldExplanations(database, kept=50))).removed == 1100
    assert (await done(OldExplanations(database, kept=50))).removed == 0
    async with database.reader() as snapshot:
        explained = await snapshot.run(
            lambda c: list(c.execute(select(turns.c.id).where(turns.c.why.is_not(None))).scalars())
        )
    assert set(explained) == {*(f"{n:04}" for n in range(1100, 1200)), "quiet", "open"}


async def test_explanations_of_a_short_conversation_stay(database: Database) -> None:
    def talk(connection: Connection) -> None:
        converse(connection)
        for n in range(20):
            connection.execute(insert(turns).values(**turn(f"{n}", NOW - 999 * DAY)))

    async with database.transaction() as tx:
        await tx.run(talk)
    assert (await done(OldExplanations(database, kept=20))).removed == 0
    assert (await done(OldExplanations(database, kept=19))).removed == 1


# -- the database file


async def fill(database: Database, *, keep: int, of: int = 2000) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS ballast (n INTEGER, text TEXT)")
        rows = [(n, "x" * 2000) for n in range(of)]
        connection.exec_driver_sql("INSERT INTO ballast VALUES (?, ?)", rows)
        connection.exec_driver_sql("DELETE FROM ballast WHERE n >= ?", (keep,))

    async with database.transaction() as tx:
        await tx.run(work)
    await database.checkpoint()


async def test_a_file_that_is_mostly_air_is_compacted(database: Database) -> None:
    await fill(database, keep=10)
    before = database.path.stat().st_size
    report = await DatabaseUpkeep(database).run(Round(as_of=NOW))
    assert report.note == "compacted"
    after = database.path.stat().st_size
    assert report.bytes == before - after > before / 2
    assert database.path.with_name("acore.db-wal").stat().st_size == 0


async def test_a_file_with_little_air_is_not_rewritten(database: Database) -> None:
    await fill(database, keep=1900)
    before = database.path.stat().st_size
    assert await DatabaseUpkeep(database).run(Round(as_of=NOW)) == ChoreReport()
    assert database.path.stat().st_size == before


async def test_nobody_waits_for_compacting(database: Database) -> None:
    await fill(database, keep=10)
    before = database.path.stat().st_size
    report = await DatabaseUpkeep(database).run(Round(as_of=NOW, quiet=False))
    assert "answered" in report.note
    assert database.path.stat().st_size == before


async def test_a_full_disk_is_not_made_fuller(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, keep=10)
    usage = shutil.disk_usage(database.path.parent)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    report = await DatabaseUpkeep(database).run(Round(as_of=NOW))
    assert "too full" in report.note


async def test_the_planner_gets_its_statistics(database: Database) -> None:
    def talk(connection: Connection) -> None:
        converse(connection)
        for n in range(300):
            connection.execute(insert(turns).values(**turn(f"{n}", NOW)))

    async with database.transaction() as tx:
        await tx.run(talk)
    async with database.reader() as snapshot:  # PRAGMA optimize looks at tables that were queried
        await snapshot.run(lambda c: c.execute(select(turns).where(turns.c.id == "1")).all())
    await DatabaseUpkeep(database).run(Round(as_of=NOW))
    async with database.reader() as snapshot:
        tables = await snapshot.run(
            lambda c: c.exec_driver_sql(
                "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"
            ).scalar_one()
        )
    assert tables == 1


# -- the nightly backup


@pytest.fixture
def nightly(tmp_path: Path, database: Database, clock: ManualClock) -> NightlyBackup:
    settings = HousekeepingSettings(backups=tmp_path.parent / f"{tmp_path.name}-backups")
    return NightlyBackup(settings, storage=StorageSettings(data=tmp_path), clock=clock)


async def test_a_month_of_nights(
    nightly: NightlyBackup, tmp_path: Path, clock: ManualClock
) -> None:
    folder = tmp_path.parent / f"{tmp_path.name}-backups"
    folder.mkdir()
    foreign = [
        put(folder / name, age=999 * DAY)
        for name in ("acore-old.tar", "holiday.tar", "acore-20200101-000000.tar.gz", "notes.txt")
    ]
    for _ in range(40):
        await nightly.run(Round(as_of=clock.now()))
        clock.advance(24 * 3600)
    own = sorted(path.name for path in folder.iterdir() if path not in foreign)
    assert 9 <= len(own) <= 11
    assert all(path.exists() for path in foreign)
    for name in own:
        with tarfile.open(folder / name) as archive:
            assert "manifest.json" in archive.getnames()


async def test_a_failed_backup_removes_no_older_one(
    nightly: NightlyBackup, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path.parent / f"{tmp_path.name}-backups"
    old = [put(folder / f"acore-2025{month:02}01-040000.tar", age=DAY) for month in range(1, 13)]
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(AcoreError, match="make room"):
        await nightly.run(Round(as_of=clock.now()))
    assert sorted(folder.iterdir()) == sorted(old)


async def test_a_rehearsal_writes_nothing(nightly: NightlyBackup, tmp_path: Path) -> None:
    report = await nightly.run(Round(as_of=NOW, rehearsal=True))
    assert "would back up" in report.note
    assert not (tmp_path.parent / f"{tmp_path.name}-backups").exists()


async def test_backups_inside_the_data_are_refused(
    tmp_path: Path, database: Database, clock: ManualClock
) -> None:
    chore = NightlyBackup(
        HousekeepingSettings(backups=tmp_path / "backups"),
        storage=StorageSettings(data=tmp_path),
        clock=clock,
    )
    with pytest.raises(AcoreError, match="lost with it"):
        await chore.run(Round(as_of=NOW))


async def test_with_no_backups_to_keep_none_is_made(
    tmp_path: Path, database: Database, clock: ManualClock
) -> None:
    folder = tmp_path.parent / f"{tmp_path.name}-backups"
    chore = NightlyBackup(
        HousekeepingSettings(backups=folder, daily_backups=0, weekly_backups=0),
        storage=StorageSettings(data=tmp_path),
        clock=clock,
    )
    assert (await chore.run(Round(as_of=NOW))).note == "switched off"
    assert not folder.exists()


async def test_copies_made_before_upgrades_grow_no_older_than_a_month(
    nightly: NightlyBackup, tmp_path: Path
) -> None:
    old = put(tmp_path / "backups" / "before-0001-20250101-000000.db", age=31 * DAY)
    new = put(tmp_path / "backups" / "before-0002-20251220-000000.db", age=12 * DAY)
    report = await nightly.run(Round(as_of=NOW))
    assert report.removed == 1
    assert not old.exists()
    assert new.exists()
