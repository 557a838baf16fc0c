"""Where an installation keeps things, and whether it is running."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from services.doctor.check import Case
from services.settings import Settings
from services.storage.location import database_path


def nearest_existing(folder: Path) -> Path:
    """Return ``folder``, or the first above it that exists."""
    for candidate in (folder, *folder.parents):
        if os.path.lexists(candidate):
            return candidate
    return Path(folder.anchor)


def backups_folder(case: Case) -> Path:
    """Return the folder for backups."""
    chosen = case.settings.housekeeping.backups if isinstance(case.settings, Settings) else None
    return chosen or case.data.parent / "backups"


def in_use(case: Case) -> bool:
    """Tell whether a process of acore has the database open for writing.

    Raises ``ConfigurationError`` for a database that is no file, ``OSError`` for an unreadable one.
    """
    database = database_path(case.storage)
    lock = database.with_name(database.name + ".lock")
    if not lock.is_file():
        return False
    file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def weight(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    return path.stat().st_size if path.exists() else 0


def readable_size(size: float) -> str:
    """Return ``size`` bytes as people say it."""
    for unit, step in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size:.0f} bytes"
