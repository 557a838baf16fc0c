"""One SQLite connection on a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from services.domain.errors import AcoreError, Busy, StorageError
from services.storage.sqlite import use_modern_sqlite

T = TypeVar("T")
Access = Literal["write", "read", "inspect"]

# Primary result codes (sqlite.org/rescode.html); extended codes carry them in their low byte.
_BUSY, _LOCKED = 5, 6
_READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 8, 10, 11, 13, 14, 26


def sqlite_engine(path: Path, *, access: Access, busy_timeout: float) -> Engine:
    """Describe connections to the database file.

    Only ``write`` creates the file; ``inspect`` leaves every byte of it as it is. Callers begin
    their transactions with an explicit ``BEGIN``.
    """
    sqlite = use_modern_sqlite()
    mode = {"write": "rwc", "read": "rw", "inspect": "ro"}[access]

    def connect() -> Any:  # noqa: ANN401
        connection = sqlite.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        if access != "write":
            connection.execute("PRAGMA query_only = ON")
        return connection

    return create_engine("sqlite://", creator=connect, module=sqlite, poolclass=NullPool)


def translated(error: DBAPIError, path: Path) -> AcoreError | None:
    """Return what a failure of the file or the disk means to people; ``None`` for a bug of ours."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in (_BUSY, _LOCKED):
        return Busy("database_busy", f"The database in {path.parent} is busy; try again shortly.")
    if code == _FULL:
        return StorageError(
            "disk_full", f"There is no space left for {path.parent}; free some and try again."
        )
    if code in (_READONLY, _IOERR, _CANTOPEN):
        return StorageError(
            "disk_error",
            f"acore cannot read or write {path.parent}; check the disk and its permissions.",
        )
    if code in (_CORRUPT, _NOTADB):
        return damaged(path)
    return None


def damaged(path: Path) -> StorageError:
    """Say that a file is not a sound database."""
    return StorageError(
        "database_damaged",
        f"{path} is not a sound database; restore a backup or move the file away.",
    )


class ConnectionThread:
    """Runs work on one connection in the order it was given.

    The connection opens at the first work, and a transaction begins at the first work after the
    last one ended. Work that has begun cannot be cancelled; what follows waits for it.
    """

    def __init__(self, engine: Engine, path: Path, *, name: str, begin: str) -> None:
        self._engine = engine
        self._path = path
        self._begin = begin
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: Connection | None = None
        self._broken = False

    def work(self, task: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Run ``task`` inside the transaction; raises ``StorageError`` or ``Busy`` from the file.

        After such an error the transaction can only be rolled back.
        """
        return self._submit(lambda: task(self._begun()))

    def step(self, task: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Run ``task`` as a transaction of its own, undone if it raises."""
        return self._submit(lambda: self._step(task))

    def outside(self, task: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Run ``task`` on the bare connection, for pragmas that a transaction forbids."""
        return self._submit(lambda: self._outside(task))

    def commit(self) -> asyncio.Future[None]:
        """Make the transaction's work durable, or undo it and raise."""
        return self._submit(self._commit)

    def rollback(self) -> asyncio.Future[None]:
        """Undo the transaction's work, if one was begun."""
        return self._submit(self._rollback)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        try:
            await asyncio.shield(self._submit(self._close))
        finally:
            self._executor.shutdown(wait=False)

    def _submit(self, task: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._executor, self._guarded, task)

    def _guarded(self, task: Callable[[], T]) -> T:
        try:
            return task()
        except DBAPIError as error:
            meaning = translated(error, self._path)
            if meaning is None:
                raise
            self._broken = True
            raise meaning from error

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _outside(self, task: Callable[[Connection], T]) -> T:
        connection = self._opened()
        try:
            return task(connection)
        finally:
            connection.rollback()

    def _begun(self) -> Connection:
        connection = self._opened()
        self._refuse_broken()
        if not connection.in_transaction():
            connection.begin()
            connection.exec_driver_sql(self._begin)
        return connection

    def _refuse_broken(self) -> None:
        if self._broken:
            raise StorageError("transaction_broken", "The change was not saved; try it again.")

    def _step(self, task: Callable[[Connection], T]) -> T:
        try:
            result = task(self._begun())
        except BaseException:
            self._rollback()
            raise
        self._commit()
        return result

    def _commit(self) -> None:
        connection = self._connection
        if connection is None or not connection.in_transaction():
            return
        try:
            self._refuse_broken()
            connection.commit()
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._connection is not None:
            self._connection.rollback()
        self._broken = False

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
