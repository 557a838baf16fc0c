"""Keeping the database file quick and small."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass

from sqlalchemy import Connection

from services.housekeeping.chore import ChoreReport, Round
from services.storage.database import Database

_WASTED_SHARE = 0.25
_SPARE_BYTES = 64 * 2**20
_STEPS_BETWEEN_LOOKS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    size: int
    count: int
    free: int

    @property
    def wasteful(self) -> bool:
        return self.free > self.count * _WASTED_SHARE

    @property
    def free_bytes(self) -> int:
        return self.free * self.size


class DatabaseUpkeep:
    """Statistics for the query planner, an emptied write-ahead log, and space given back.

    The file is rewritten only when more than a quarter of it is free, nobody is being answered,
    and the disk has room for two more of it, one of them in the write-ahead log.
    """

    name = "database"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Do what is worth doing."""
        async with self._database.reader() as snapshot:
            pages = await snapshot.run(_pages)
        if circumstances.rehearsal:
            freed = pages.free_bytes if pages.wasteful else 0
            return ChoreReport(bytes=freed, note="would be compacted" if freed else "")
        await self._database.outside(_optimize)
        report = ChoreReport()
        if pages.wasteful:
            report = await self._compact(circumstances, pages)
        await self._database.checkpoint()
        return report

    async def _compact(self, circumstances: Round, pages: _Pages) -> ChoreReport:
        if not circumstances.quiet:
            return ChoreReport(note="not compacted because somebody was being answered")
        room = shutil.disk_usage(self._database.path.parent).free
        if room < 2 * pages.size * pages.count + _SPARE_BYTES:
            return ChoreReport(note="not compacted because the disk is too full")
        stop = threading.Event()
        try:
            await self._database.outside(lambda connection: _vacuum(connection, stop))
        finally:
            stop.set()
        async with self._database.reader() as snapshot:
            left = await snapshot.run(_pages)
        freed = pages.size * pages.count - left.size * left.count
        return ChoreReport(bytes=max(0, freed), note="compacted")


def _pages(connection: Connection) -> _Pages:
    def pragma(name: str) -> int:
        return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())

    return _Pages(
        size=pragma("page_size"), count=pragma("page_count"), free=pragma("freelist_count")
    )


def _optimize(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA analysis_limit = 1000")
    connection.exec_driver_sql("PRAGMA optimize")


def _vacuum(connection: Connection, stop: threading.Event) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  it is connected
    driver.set_progress_handler(stop.is_set, _STEPS_BETWEEN_LOOKS)
    try:
        connection.exec_driver_sql("VACUUM")
    finally:
        driver.set_progress_handler(None, 0)
