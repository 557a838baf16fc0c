"""Backups that must not outlive what was forgotten."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.rotation import LONGEST
from services.memory.forgetting.erasures import last_finished
from services.settings import HousekeepingSettings, StorageSettings
from services.storage.backup import backup_folder, made_at
from services.storage.database import Database

_COPIES = ("before-*.db*", "replaced-*")


class ExpiredBackups:
    """Copies from upgrades and restores after 30 days, and backups that hold forgotten text.

    The newest backup otherwise stays however old it is; where somebody was forgotten after it was
    made, it goes after 30 days like the others, also while nightly backups are switched off.
    """

    name = "expiry"

    def __init__(
        self,
        settings: HousekeepingSettings,
        *,
        storage: StorageSettings,
        database: Database,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._database = database

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Remove them. Raises ``InvalidRequest`` for a backup folder inside the data folder."""
        async with self._database.reader() as snapshot:
            forgotten = await snapshot.run(last_finished)
        folder = await asyncio.to_thread(backup_folder, self._storage, self._settings)
        return await asyncio.to_thread(_expire, folder, circumstances, forgotten)


def _expire(folder: Path, circumstances: Round, forgotten: datetime | None) -> ChoreReport:
    before = circumstances.as_of - LONGEST
    report = ChoreReport()
    for path, made in _copies(folder):
        holds_forgotten = made_at(path) is None or (forgotten is not None and made < forgotten)
        if made >= before or not holds_forgotten:
            continue
        size = _size(path)
        if not circumstances.rehearsal:
            _remove(path)
        report += ChoreReport(removed=1, bytes=size)
    return report


def _copies(folder: Path) -> Iterator[tuple[Path, datetime]]:
    """Yield what we put there, and when it was made."""
    for path in sorted(folder.glob("acore-*")):
        moment = made_at(path)
        if moment is not None:
            yield path, moment
    for pattern in _COPIES:
        for path in sorted(folder.glob(pattern)):
            written = datetime.fromtimestamp(path.lstat().st_mtime, tz=UTC)
            yield path, written


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(one.lstat().st_size for one in path.rglob("*"))
    return path.lstat().st_size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
