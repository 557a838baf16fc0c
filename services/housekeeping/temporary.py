"""Temporary files, and downloads, restores and imports that were given up."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.files import below, remove_empty_folders, remove_older
from services.persona.cards.keeping import UNFINISHED as IMPORTING
from services.storage.restore import UNFINISHED as RESTORING

_HALF_WRITTEN = ("blobs", "models", "clips", "backups")
_CHARACTERS = "characters"  # a card may bring files called whatever it likes
_GIVEN_UP = (RESTORING, f"{IMPORTING}*")
_TAG = ".etag"


class TemporaryFiles:
    """Everything in ``tmp`` of the data folder, and what is half written, after ``hours``.

    Half written are ``*.part`` files and the folders of restores and imports that were cut off.
    """

    name = "temporary"

    def __init__(self, data: Path, *, hours: float) -> None:
        self._data = data
        self._age = timedelta(hours=hours)

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Remove them."""
        return await asyncio.to_thread(self._run, circumstances)

    def _run(self, circumstances: Round) -> ChoreReport:
        report = remove_older(below(self._data / "tmp"), circumstances, age=self._age)
        if not circumstances.rehearsal:
            remove_empty_folders(self._data / "tmp", written_before=circumstances.as_of - self._age)
        report += remove_older(self._unfinished(), circumstances, age=self._age)
        report += remove_older(self._orphaned_tags(), circumstances, age=self._age)
        return report + self._given_up(circumstances)

    def _unfinished(self) -> Iterator[Path]:
        for folder in _HALF_WRITTEN:
            yield from (path for path in below(self._data / folder) if path.suffix == ".part")
        yield from (self._data / _CHARACTERS).glob(".*.part")

    def _orphaned_tags(self) -> Iterator[Path]:
        """Yield what says which download a ``.part`` belongs to, once that is gone."""
        for path in below(self._data / "models"):
            if path.name.endswith(f".part{_TAG}") and not path.with_suffix("").exists():
                yield path

    def _given_up(self, circumstances: Round) -> ChoreReport:
        report = ChoreReport()
        before = (circumstances.as_of - self._age).timestamp()
        for folder in (found for name in _GIVEN_UP for found in self._data.glob(name)):
            if folder.is_dir() and folder.stat().st_mtime < before:
                size = sum(path.lstat().st_size for path in below(folder))
                if not circumstances.rehearsal:
                    shutil.rmtree(folder)
                report += ChoreReport(removed=1, bytes=size)
        return report
