"""The nightly backup."""

from __future__ import annotations

import asyncio
from datetime import datetime, tzinfo
from pathlib import Path

from services.domain.clock import Clock
from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.rotation import LONGEST, outdated
from services.settings import HousekeepingSettings, StorageSettings
from services.storage.backup import backup, backup_folder, made_at

_UPGRADE_COPIES = "before-*.db"


class NightlyBackup:
    """Backs up outside the data folder, then deletes the backups that have had their time.

    A backup that fails deletes nothing. Only files with names of our own are ever deleted.
    """

    name = "backup"

    def __init__(
        self,
        settings: HousekeepingSettings,
        *,
        storage: StorageSettings,
        clock: Clock,
        zone: tzinfo | None = None,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._clock = clock
        self._zone = zone

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Back up and rotate; nothing with no backups to keep. Raises ``AcoreError``."""
        if not (self._settings.daily_backups or self._settings.weekly_backups):
            return ChoreReport(note="switched off")
        folder = await asyncio.to_thread(backup_folder, self._storage, self._settings)
        if circumstances.rehearsal:
            report = await asyncio.to_thread(self._rotate, folder, circumstances)
            return report + ChoreReport(note=f"would back up to {folder}")
        written = await backup(self._storage, folder, clock=self._clock)
        report = await asyncio.to_thread(self._rotate, folder, circumstances)
        return report + ChoreReport(note=f"wrote {written}")

    def _rotate(self, folder: Path, circumstances: Round) -> ChoreReport:
        found = {path: moment for path in folder.glob("acore-*") if (moment := made_at(path))}
        doomed = outdated(
            found,
            now=circumstances.as_of,
            daily=self._settings.daily_backups,
            weekly=self._settings.weekly_backups,
            zone=self._zone,
        )
        doomed += self._old_upgrade_copies(circumstances.as_of)
        size = 0
        for path in doomed:
            size += path.stat().st_size
            if not circumstances.rehearsal:
                path.unlink()
        return ChoreReport(removed=len(doomed), bytes=size)

    def _old_upgrade_copies(self, now: datetime) -> list[Path]:
        """Return the copies made before upgrades that have become too old."""
        before = (now - LONGEST).timestamp()
        copies = (self._storage.data / "backups").glob(_UPGRADE_COPIES)
        return [path for path in copies if path.lstat().st_mtime < before]
