"""Which SQLite library is used."""

from __future__ import annotations

import importlib
import logging
import sys
from types import ModuleType

logger = logging.getLogger(__name__)

# Until this version a writer and a checkpoint on two connections can lose committed pages of a
# write-ahead log (sqlite.org/wal.html, "The WAL-reset bug").
WAL_SAFE_VERSION = (3, 51, 3)


def use_modern_sqlite() -> ModuleType:
    """Make ``import sqlite3`` give the packaged library where it is installed, and return it.

    Call it before anything else imports ``sqlite3``; a second call changes nothing.
    """
    try:
        module = importlib.import_module("pysqlite3")
    except ImportError:
        return importlib.import_module("sqlite3")
    sys.modules["sqlite3"] = module
    sys.modules["sqlite3.dbapi2"] = importlib.import_module("pysqlite3.dbapi2")
    return module


def journal_mode(version: tuple[int, ...]) -> str:
    """Return the journal mode that is safe with this SQLite version: ``WAL`` or ``DELETE``."""
    if version >= WAL_SAFE_VERSION:
        return "WAL"
    logger.warning(
        "SQLite is too old for a safe write-ahead log; using the slower rollback journal",
        extra={"sqlite_version": ".".join(map(str, version))},
    )
    return "DELETE"
