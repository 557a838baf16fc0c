"""The database: sound, of the right revision, not used twice; attachments, backups, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.doctor.places import backups_folder, in_use
from services.domain.errors import AcoreError, ConfigurationError, StorageError
from services.storage.backup import made_at, newest_backup
from services.storage.connection import damaged, sqlite_engine, translated
from services.storage.database import Database
from services.storage.location import database_path
from services.storage.schema import HEAD, is_blank, revision
from services.storage.tables import attachments, blobs, messages

T = TypeVar("T")

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock can rightly show an earlier moment than the one this version was made in."""

_SKEW = timedelta(minutes=5)
_BACKUP_AGE = timedelta(days=7)
_UNSAVED_AGE = timedelta(days=2)
_SECONDS = 60.0
_NONE_YET = "There is no database yet; the first start makes it."
_UNREADABLE = "The database cannot be looked into; see what the database check says."
_RESTORE = (
    "Stop acore, move the file away and put the newest backup in its place; without a backup, "
    "acore starts empty."
)


@contextmanager
def _connected(case: Case) -> Iterator[Connection]:
    path = database_path(case.storage)
    engine = sqlite_engine(path, access="inspect", busy_timeout=case.storage.busy_timeout_seconds)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise (translated(error, path) or damaged(path)) from error


def _asked(case: Case, question: Callable[[Connection], T]) -> T | Finding:
    """Ask the database, or say why it cannot be asked."""
    try:
        if is_blank(database_path(case.storage)):
            return skipped(_NONE_YET)
        with _connected(case) as connection:
            return question(connection)
    except (AcoreError, OSError):
        return skipped(_UNREADABLE)


async def _database(case: Case) -> Finding:
    return await asyncio.to_thread(_sound, case)


def _sound(case: Case) -> Finding:
    path = None
    try:
        path = database_path(case.storage)
        if is_blank(path):
            return fine(_NONE_YET)
        with _connected(case) as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found == "ok":
            return fine(f"The database {path} is sound.")
    except ConfigurationError as error:
        return problem(error.user_message, fix="Correct or delete storage.url.", cause="settings")
    except OSError as error:
        return problem(
            f"The database {path} cannot be read: {error.strerror}.",
            fix="Give your user the right to read and write it.",
            cause="data",
        )
    except StorageError as error:
        if error.code != "database_damaged":
            return problem(error.user_message, fix="Check the disk and try again.", cause="data")
    return problem(f"The database {path} is damaged.", fix=_RESTORE, cause="data")


async def _schema(case: Case) -> Finding:
    return await asyncio.to_thread(_revision, case)


def _revision(case: Case) -> Finding:
    path = database_path(case.storage)
    try:
        found = _asked(case, lambda connection: _revision_or_error(connection, path))
    except ConfigurationError:
        return skipped(_UNREADABLE)
    if isinstance(found, Finding):
        return found
    if isinstance(found, StorageError):
        newer = found.code == "database_newer"
        sentence, _, fix = found.user_message.partition("; ")
        return problem(
            f"{sentence}.",
            fix=_sentence(fix) if newer else "Choose another folder with --data.",
            cause="data",
        )
    if found != HEAD:
        return warning(
            f"The database is of an older revision ({found or 'none'} instead of {HEAD}); the next "
            "start brings it up to date.",
            fix="Run `main.py migrate`, or `main.py doctor --fix`.",
            cause="data",
        )
    return fine(f"The database is at revision {HEAD}.")


def _revision_or_error(connection: Connection, path: Path) -> str | StorageError | None:
    try:
        return revision(connection, path)
    except StorageError as error:
        return error


async def _migrate(case: Case) -> None:
    async with Database(case.storage, clock=case.clock):
        pass


async def _lock(case: Case) -> Finding:
    try:
        used = await asyncio.to_thread(in_use, case)
    except (ConfigurationError, OSError):
        return skipped(_UNREADABLE)
    if used:
        return warning(
            "Another acore is using the data folder; a second one cannot start.",
            fix="Nothing, if that is meant to be; else stop it, or choose another folder with "
            "--data.",
            cause="dependency",
        )
    return fine("No other acore uses the data folder.")


async def _attachments(case: Case) -> Found:
    found = await asyncio.to_thread(_asked, case, _attachment_rows)
    if isinstance(found, Finding):
        return found
    wanted, known = found
    lying = await asyncio.to_thread(_lying, case.data / "blobs")
    findings: list[Finding] = []
    if lost := len(((wanted | known) - lying) | (wanted - known)):
        findings.append(
            warning(
                f"The files of {_counted(lost, 'attachment')} are gone.",
                fix="Restore the blobs folder beside the database from a copy; without one, the "
                "messages stay readable and only the attachments are missing.",
                cause="data",
            )
        )
    if stray := len(lying - known):
        findings.append(
            warning(
                f"{_counted(stray, 'file')} in {case.data / 'blobs'} without a row in the "
                "database.",
                fix="Delete them, unless you are about to restore a newer database.",
                cause="data",
            )
        )
    return findings or fine(f"No file of {_counted(len(known), 'attachment')} is missing.")


def _attachment_rows(connection: Connection) -> tuple[set[str], set[str]]:
    wanted = set(connection.execute(select(attachments.c.sha256)).scalars())
    return wanted, set(connection.execute(select(blobs.c.sha256)).scalars())


def _lying(folder: Path) -> set[str]:
    return {f"{path.parent.name}{path.name}" for path in folder.glob("??/*") if path.is_file()}


async def _backups(case: Case) -> Finding:
    return await asyncio.to_thread(_judged_backups, case, backups_folder(case))


def _judged_backups(case: Case, folder: Path) -> Finding:
    now = case.clock.now()
    newest = newest_backup(folder)
    made = None if newest is None else made_at(newest)
    fix = "Run `main.py backup`, and keep copies on another disk."
    if made is None:
        oldest = _asked(case, lambda c: c.execute(select(func.min(messages.c.created_at))).scalar())
        if isinstance(oldest, Finding):
            return oldest
        if oldest is None or now - oldest < _UNSAVED_AGE:
            return fine("There is no backup yet.")
        return warning(f"There is no backup in {folder}.", fix=fix, cause="data")
    age = now - made
    if age > _BACKUP_AGE:
        return warning(f"The newest backup is {age.days} days old.", fix=fix, cause="data")
    hours = max(int(age.total_seconds() // 3600), 0)
    return fine(f"The newest backup is {_counted(hours, 'hour')} old.")


async def _clock(case: Case) -> Finding:
    now = case.clock.now()
    if now < RELEASED:
        return problem(
            f"The clock shows {now:%Y-%m-%d}, which is before this version was made.",
            fix="Set the machine's clock, best by switching on NTP (`timedatectl set-ntp true`).",
            cause="dependency",
        )
    newest = await asyncio.to_thread(
        _asked, case, lambda c: c.execute(select(func.max(messages.c.created_at))).scalar()
    )
    if isinstance(newest, datetime) and newest > now + _SKEW:
        return problem(
            f"The newest message is from {newest:%Y-%m-%d %H:%M} UTC, but the clock shows "
            f"{now:%Y-%m-%d %H:%M} UTC.",
            fix="Set the machine's clock. If it is right now, it was wrong before, and new "
            "messages sort behind the old ones until that moment has passed.",
            cause="dependency",
        )
    return fine("The clock is plausible.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


CHECKS = (
    Check(
        name="database",
        area="database",
        examine=_database,
        needs_settings=False,
        seconds=_SECONDS,
    ),
    Check(name="schema", area="database", examine=_schema, repair=_migrate, needs_settings=False),
    Check(name="lock", area="database", examine=_lock, needs_settings=False),
    Check(name="attachments", area="database", examine=_attachments, needs_settings=False),
    Check(name="backups", area="database", examine=_backups, needs_settings=False),
    Check(name="clock", area="database", examine=_clock, needs_settings=False),
)
