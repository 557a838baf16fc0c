"""Copies of the database taken while it is in use."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound, StorageError
from services.settings import StorageSettings
from services.storage.connection import damaged, sqlite_engine, translated
from services.storage.location import database_path


async def backup(settings: StorageSettings, target: Path, *, clock: Clock) -> Path:
    """Write a checked copy of the database and return its path; works while others write.

    ``target`` is a new file, or a folder that gets one named after the moment. Nothing appears
    under the final name before the copy is complete. Raises ``NotFound`` without a database,
    ``InvalidRequest`` when the file exists, ``StorageError`` when the copy fails.
    """
    source = database_path(settings)
    name = f"acore-{clock.now():%Y%m%d-%H%M%S}.db"
    return await asyncio.to_thread(_backup, source, target, name, settings.busy_timeout_seconds)


def copy_to(connection: Connection, target: Path) -> None:
    """Write a compact copy of ``connection``'s database to ``target``, all of it or nothing.

    ``connection`` must not be in a transaction. Raises ``StorageError`` when the copy is unsound.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    try:
        connection.exec_driver_sql("VACUUM INTO ?", (str(unfinished),))
        _check(unfinished)
        unfinished.chmod(0o600)
        _flush(unfinished)
        unfinished.replace(target)
        _flush(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _backup(source: Path, target: Path, name: str, busy_timeout: float) -> Path:
    if target.is_dir() or not target.suffix:
        target = target / name
    if not source.exists():
        raise NotFound("no_database", f"There is no database in {source.parent} to back up.")
    if target.exists():
        raise InvalidRequest("backup_exists", f"{target} exists already; choose another name.")
    engine = sqlite_engine(source, access="inspect", busy_timeout=busy_timeout)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
            copy_to(connection, target)
    except DBAPIError as error:
        raise (translated(error, source) or damaged(source)) from error
    except OSError as error:
        raise StorageError(
            "backup_failed", f"The backup cannot be written to {target.parent}: {error.strerror}."
        ) from error
    return target


def _check(copy: Path) -> None:
    with sqlite_engine(copy, access="inspect", busy_timeout=1.0).connect() as connection:
        if connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok":
            raise damaged(copy)


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
