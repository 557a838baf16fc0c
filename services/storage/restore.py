"""Putting a backup in place."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound, StorageError
from services.storage.archive import DATABASE, FOLDERS, damaged_archive, open_archive
from services.storage.connection import sqlite_engine
from services.storage.lock import ProcessLock
from services.storage.replacement import ASIDE, NEW, WAITING, finish_replacement, flush
from services.storage.schema import revision

UNFINISHED = "restore-*.part"
"""What a restore leaves in the data folder when it is cut off before it counts as done."""

_SQLITE = b"SQLite format 3\x00"
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put in place; ``replaced`` is where the data that was there before lies now."""

    data: Path
    made_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    replaced: Path | None = None


async def restore(source: Path, data: Path, *, replace: bool, clock: Clock) -> Restored:
    """Put the backup ``source`` into the data folder ``data``, all of it or nothing.

    ``source`` is an archive, or a database file such as the copies made before an upgrade; with
    the latter attachments and characters stay as they are. Everything is checked before anything
    changes. With ``replace`` the data there is moved aside, never deleted. A process that dies in
    the middle leaves the old data, or the new once acore has been started.

    Raises ``NotFound``, ``InvalidRequest`` for a file that is not a sound backup, is newer than
    this program, or when there is data and ``replace`` is not set; ``Busy`` while acore uses the
    folder; ``StorageError`` when the disk fails.
    """
    moment = f"{clock.now().astimezone(UTC):%Y%m%d-%H%M%S}"
    return await asyncio.to_thread(_restore, source, data, replace=replace, moment=moment)


def _restore(source: Path, data: Path, *, replace: bool, moment: str) -> Restored:
    if not source.is_file():
        raise NotFound("backup_missing", f"There is no backup {source}.")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = ProcessLock(data / f"{DATABASE}.lock")
        lock.acquire()
        try:
            finish_replacement(data)
            if not replace and (found := _existing(data)):
                raise InvalidRequest(
                    "data_exists",
                    f"There is data in {data} already ({found}); --replace moves it aside.",
                )
            return _put_in_place(source, data, moment=moment)
        finally:
            lock.release()
    except OSError as error:
        if (data / WAITING).is_dir():
            raise StorageError(
                "restore_unfinished",
                f"The restore into {data} broke off: {error.strerror or error}; the next start of "
                "acore goes on with it.",
            ) from error
        raise StorageError(
            "restore_failed",
            f"The backup cannot be restored to {data}: {error.strerror or error}; "
            "what was there is unchanged.",
        ) from error


def _refuse_mounts(data: Path) -> None:
    """Raise ``InvalidRequest`` when a folder that would be moved aside cannot be."""
    for name in FOLDERS:
        folder = data / name
        if folder.is_mount():
            raise InvalidRequest(
                "restore_mount",
                f"{folder} is a disk of its own and cannot be moved aside; restore into another "
                "folder with --to.",
            )


def _existing(data: Path) -> str | None:
    for name in (DATABASE, *FOLDERS):
        path = data / name
        if path.is_dir() and any(path.iterdir()):
            return name
        if path.is_file() and path.stat().st_size:
            return name
    return None


def _put_in_place(source: Path, data: Path, *, moment: str) -> Restored:
    _refuse_mounts(data)
    for stale in data.glob(UNFINISHED):
        shutil.rmtree(stale)
    staging = data / f"restore-{moment}.part"
    new = staging / NEW
    new.mkdir(mode=0o700, parents=True)
    try:
        with source.open("rb") as file:
            bare = file.read(len(_SQLITE)) == _SQLITE
        restored = _copied(source, new) if bare else _extracted(source, new)
        _check(new / DATABASE, source)
        (staging / _free_name(data, moment)).mkdir(mode=0o700)
        for folder in [path for path in staging.rglob("*") if path.is_dir()]:
            flush(folder)
        flush(staging)
        staging.rename(data / WAITING)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    flush(data)
    replaced = finish_replacement(data)
    return Restored(data=data, made_at=restored.made_at, counts=restored.counts, replaced=replaced)


def _free_name(data: Path, moment: str) -> str:
    names = (f"{ASIDE}{moment}{f'-{n}' if n else ''}" for n in count())
    return next(name for name in names if not (data / name).exists())


def _copied(source: Path, new: Path) -> Restored:
    _check_space(new, source.stat().st_size)
    shutil.copyfile(source, new / DATABASE)
    (new / DATABASE).chmod(0o600)
    flush(new / DATABASE)
    return Restored(data=new)


def _extracted(source: Path, new: Path) -> Restored:
    with open_archive(source) as archive:
        manifest = archive.manifest
        _check_space(new, manifest.size)
        for folder in FOLDERS:
            (new / folder).mkdir(mode=0o700)
        archive.extract(new, written=flush)
    return Restored(data=new, made_at=manifest.made_at, counts=manifest.counts)


def _check_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE_BYTES:
        raise StorageError(
            "restore_space",
            f"Restoring needs {size / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free; make room.",
        )


def _check(database: Path, source: Path) -> None:
    """See that the database is sound and not newer than this program."""
    try:
        with sqlite_engine(database, access="inspect", busy_timeout=1.0).connect() as connection:
            if connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok":
                raise damaged_archive(source)
            if revision(connection, source) is None:
                raise damaged_archive(source)
    except DBAPIError as error:
        raise damaged_archive(source) from error
    except StorageError as error:
        raise InvalidRequest(error.code, error.user_message) from error
    for companion in database.parent.glob(f"{DATABASE}-*"):
        companion.unlink()
