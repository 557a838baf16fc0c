"""Making sure that nothing erased is left in any file of the data folder."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from services.domain.errors import Busy
from services.memory.forgetting.scanning import Scan, scan
from services.storage.database import Database

logger = logging.getLogger(__name__)

_TRIES = 100
_PAUSE_SECONDS = 0.05
_STEPS_BETWEEN_LOOKS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the search found in the end, and whether the database was rewritten for it."""

    scan: Scan | None
    compacted: bool


async def prove(
    database: Database, data: Path, strings: Collection[str], *, rewrite: bool = False
) -> Proof:
    """Empty the write-ahead log and search every file for ``strings``.

    Deleted rows are overwritten with zeros, but moving rows between pages can leave copies behind:
    when something is found in the database, or with ``rewrite``, it is rewritten as a whole.
    Raises ``Busy`` while readers keep the log from being emptied, ``StorageError`` when the disk
    fails.
    """
    if rewrite:
        await _rewrite(database)
    await empty_log(database)
    if not strings:
        return Proof(scan=None if rewrite else Scan(), compacted=rewrite)
    found = await asyncio.to_thread(scan, data, strings)
    own = database.path.name
    if not rewrite and any(name.startswith(own) for name, _ in found.found):
        logger.info("traces were left in the database, which is rewritten")
        rewrite = True
        await _rewrite(database)
        await empty_log(database)
        found = await asyncio.to_thread(scan, data, strings)
    return Proof(scan=found, compacted=rewrite)


async def empty_log(database: Database) -> None:
    """Fold the write-ahead log into the database and cut it to nothing; raises ``Busy``."""
    for _ in range(_TRIES):
        if await database.outside(_checkpointed):
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    raise Busy("database_busy", "The database is being read all the time; try again shortly.")


async def _rewrite(database: Database) -> None:
    stop = threading.Event()
    try:
        await database.outside(lambda connection: _vacuum(connection, stop))
    finally:
        stop.set()


def _checkpointed(connection: Connection) -> bool:
    row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return int(row[0]) == 0


def _vacuum(connection: Connection, stop: threading.Event) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  it is connected
    connection.exec_driver_sql(
        "INSERT INTO recollection_words (recollection_words) VALUES ('optimize')"
    )
    connection.commit()
    driver.set_progress_handler(stop.is_set, _STEPS_BETWEEN_LOOKS)
    try:
        connection.exec_driver_sql("VACUUM")
    finally:
        driver.set_progress_handler(None, 0)
