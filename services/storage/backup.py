"""Backups taken while the data is in use."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.domain.clock import Clock
from services.domain.errors import AcoreError, InvalidRequest, NotFound, StorageError
from services.settings import HousekeepingSettings, StorageSettings
from services.storage.archive import BLOBS, CHARACTERS, DATABASE, ArchiveWriter, Stopped
from services.storage.connection import damaged, sqlite_engine, translated
from services.storage.location import database_path
from services.storage.replacement import flush, refuse_unfinished

_OWN_NAME = re.compile(r"acore-(\d{8}-\d{6})\.(?:tar|db)")
_MOMENT = "%Y%m%d-%H%M%S"
_SPARE_BYTES = 64 * 2**20
_COUNTED = ("conversations", "messages", "people", "attachments")
_STEPS_BETWEEN_LOOKS = 100_000


def backup_folder(storage: StorageSettings, housekeeping: HousekeepingSettings) -> Path:
    """Return where backups go; raises ``InvalidRequest`` when that lies inside the data folder."""
    data = storage.data.resolve()
    return outside(data, housekeeping.backups or data.parent / "backups")


def outside(data: Path, folder: Path) -> Path:
    """Return ``folder``; raises ``InvalidRequest`` when it lies inside the data folder."""
    folder = folder.resolve()
    if folder.is_relative_to(data.resolve()):
        raise InvalidRequest(
            "backup_target",
            "A backup inside the data folder would be lost with it; choose another with --to.",
        )
    return folder


def made_at(path: Path) -> datetime | None:
    """Return when a backup was made, by its name; ``None`` when the name is not one of ours."""
    match = _OWN_NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None


def newest_backup(folder: Path) -> Path | None:
    """Return the backup made last that lies in ``folder``. Raises ``OSError``."""
    moments = {path: moment for path in folder.glob("acore-*") if (moment := made_at(path))}
    return max(moments, key=lambda path: moments[path], default=None)


async def backup(settings: StorageSettings, target: Path, *, clock: Clock) -> Path:
    """Write everything that cannot be rebuilt into an archive and return its path.

    That is the database, the attachments and the imported characters; acore may go on writing
    meanwhile. ``target`` is a new ``.tar`` file, or a folder that gets one named after the moment
    in UTC. Nothing appears under the final name before the archive is complete, and nothing stays
    behind otherwise. Raises ``NotFound`` without a database, ``InvalidRequest`` when the file
    exists, ``Busy`` while a restore is unfinished, ``StorageError`` when it fails.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_backup, settings, target, now=clock.now(), stop=stop)
    finally:
        stop.set()


def copy_to(connection: Connection, target: Path) -> None:
    """Write a compact copy of ``connection``'s database to ``target``, all of it or nothing.

    ``connection`` must not be in a transaction. Raises ``StorageError`` when the copy is unsound.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    try:
        _copy(connection, unfinished)
        flush(unfinished)
        unfinished.replace(target)
        flush(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _backup(
    settings: StorageSettings, target: Path, *, now: datetime, stop: threading.Event
) -> Path:
    if target.is_dir() or target.suffix != ".tar":
        target = target / f"acore-{now.astimezone(UTC):{_MOMENT}}.tar"
    work = _Backup(
        source=database_path(settings),
        data=settings.data,
        target=target,
        now=now,
        busy_timeout=settings.busy_timeout_seconds,
        stop=stop,
    )
    work.run()
    return target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    """What the copied database says about itself and the attachments that belong to it."""

    revision: str
    counts: Mapping[str, int]
    blobs: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backup:
    """One backup, run on a thread; setting ``stop`` ends it soon."""

    source: Path
    data: Path
    target: Path
    now: datetime
    busy_timeout: float
    stop: threading.Event

    def run(self) -> None:
        folder = self.target.parent
        if not self.source.exists():
            raise NotFound(
                "no_database", f"There is no database in {self.source.parent} to back up."
            )
        refuse_unfinished(self.data)
        if self.target.exists():
            raise InvalidRequest(
                "backup_exists", f"{self.target} exists already; choose another name."
            )
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _drop_unfinished(folder)
            self._check_space()
            self._write()
        except OSError as error:
            raise _unwritable(folder, error.strerror or str(error)) from error

    def _check_space(self) -> None:
        files = [file for name in (BLOBS, CHARACTERS) for file in files_below(self.data / name)]
        # The copy of the database lies there a second time until it is in the archive.
        needed = 2 * self.source.stat().st_size + sum(map(_size, files)) + _SPARE_BYTES
        free = shutil.disk_usage(self.target.parent).free
        if free < needed:
            raise StorageError(
                "backup_space",
                f"The backup needs about {needed / 1e6:,.0f} MB in {self.target.parent}, where "
                f"{free / 1e6:,.0f} MB are free; make room or choose another folder.",
            )

    def _write(self) -> None:
        part = self.target.with_name(self.target.name + ".part")
        copy = part.with_name(f"{self.target.stem}.db.part")
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                self._copy_database(copy)
                archive = ArchiveWriter(out, stop=self.stop)
                archive.add(copy, DATABASE)
                contents = _contents(copy)
                copy.unlink()
                for sha256 in contents.blobs:
                    name = f"{sha256[:2]}/{sha256[2:]}"
                    archive.add(self.data / BLOBS / name, f"{BLOBS}/{name}")
                characters = self.data / CHARACTERS
                for path in files_below(characters):
                    name = path.relative_to(characters).as_posix()
                    archive.add(path, f"{CHARACTERS}/{name}")
                archive.finish(made_at=self.now, revision=contents.revision, counts=contents.counts)
                out.flush()
                os.fsync(out.fileno())
                part.replace(self.target)
            flush(self.target.parent)
        finally:
            copy.unlink(missing_ok=True)
            part.unlink(missing_ok=True)

    def _copy_database(self, copy: Path) -> None:
        engine = sqlite_engine(self.source, access="inspect", busy_timeout=self.busy_timeout)
        try:
            with engine.connect() as connection, _stoppable(connection, self.stop):
                connection.exec_driver_sql("PRAGMA query_only = OFF")
                _copy(connection, copy)
        except DBAPIError as error:
            if self.stop.is_set():
                raise Stopped from error
            raise self._meaning(error) from error

    def _meaning(self, error: DBAPIError) -> AcoreError:
        meaning = translated(error, self.source) or damaged(self.source)
        if meaning.code == "disk_full":
            return _unwritable(self.target.parent, "there is no space left")
        if meaning.code == "disk_error":
            return _unwritable(self.target.parent, "the disk refuses to write")
        return meaning


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the regular files below ``folder`` by name, following no links."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                yield path


@contextmanager
def _stoppable(connection: Connection, stop: threading.Event) -> Iterator[None]:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  it is connected
    driver.set_progress_handler(stop.is_set, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _copy(connection: Connection, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
    with sqlite_engine(copy, access="inspect", busy_timeout=1.0).connect() as check:
        if check.exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok":
            raise damaged(copy)
    copy.chmod(0o600)


def _contents(copy: Path) -> _Contents:
    with sqlite_engine(copy, access="inspect", busy_timeout=1.0).connect() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {row[0] for row in rows}

        def one(query: str) -> object:
            return connection.exec_driver_sql(query).scalar()

        blobs: set[str] = set()
        for table in tables & {"blobs", "attachments"}:
            rows = connection.exec_driver_sql(f"SELECT DISTINCT sha256 FROM {table}")  # noqa: S608
            blobs.update(str(row[0]) for row in rows)
        revision: object = ""
        if "alembic_version" in tables:
            revision = one("SELECT version_num FROM alembic_version")
        counts = {
            table: int(str(one(f"SELECT count(*) FROM {table}")))  # noqa: S608
            for table in _COUNTED
            if table in tables
        }
    return _Contents(revision=str(revision or ""), counts=counts, blobs=sorted(blobs))


def _drop_unfinished(folder: Path) -> None:
    """Delete what backups left that were cut off; one that still runs holds a lock on its own."""
    for part in folder.glob("acore-*.tar.part"):
        with part.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            part.with_name(part.name.replace(".tar.part", ".db.part")).unlink(missing_ok=True)
            part.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _unwritable(folder: Path, reason: str) -> StorageError:
    return StorageError("backup_failed", f"The backup cannot be written to {folder}: {reason}.")
