"""The database's revisions, and how an older one is brought up to date."""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import Connection

from services.domain.errors import StorageError
from services.storage.connection import damaged

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
HEAD = REVISIONS[-1]

_MAGIC = b"SQLite format 3\x00"


def is_blank(path: Path) -> bool:
    """Tell whether there is no database yet; raises ``StorageError`` for a file of another kind."""
    if not path.exists():
        return True
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start and start != _MAGIC:
        raise damaged(path)
    return not start


def revision(connection: Connection, path: Path) -> str | None:
    """Return the database's revision: empty when it notes none, ``None`` without any tables.

    Raises ``StorageError`` when it is another program's, or newer than this code.
    """
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {row[0] for row in rows}
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise StorageError(
            "database_foreign",
            f"{path} belongs to another program; choose another folder with --data.",
        )
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found is None:
        return ""
    if found not in REVISIONS:
        raise StorageError(
            "database_newer",
            f"{path} was written by a newer acore; update acore or restore an older backup.",
        )
    return str(found)


def upgrade(connection: Connection) -> None:
    """Bring the database to ``HEAD`` in the transaction that is open on ``connection``."""
    command = importlib.import_module("alembic.command")
    config = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
