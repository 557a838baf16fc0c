"""The database: one writer, a few readers, one process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from services.domain.clock import Clock
from services.domain.errors import NotFound, StorageError
from services.observability.metrics import Metrics
from services.settings import StorageSettings
from services.storage.backup import copy_to
from services.storage.connection import ConnectionThread, damaged, sqlite_engine, translated
from services.storage.location import database_path
from services.storage.lock import ProcessLock
from services.storage.replacement import finish_replacement, refuse_unfinished
from services.storage.schema import HEAD, is_blank, revision, upgrade
from services.storage.sqlite import journal_mode, use_modern_sqlite

P = ParamSpec("P")
T = TypeVar("T")

_ENDED = "the transaction has ended"
_NESTED = "transactions do not nest"
_CLOSED = "the database is not open"
_NOT_WRITABLE = "the database is not open for writing"

_READERS = 3
_CHECKED_AT_START = 64 * 2**20


class Snapshot:
    """A consistent view of the database for the length of a ``reader()`` block."""

    def __init__(self, thread: ConnectionThread) -> None:
        self._thread: ConnectionThread | None = thread

    async def run(
        self,
        task: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``task(connection, ...)`` on the database's thread and return what it returns.

        It must only talk to the database. Raises ``StorageError`` or ``Busy``; when cancelled,
        work that has begun still ends before the block does.
        """
        if self._thread is None:
            raise RuntimeError(_ENDED)
        return await self._thread.work(lambda connection: task(connection, *args, **kwargs))

    def end(self) -> None:
        """Refuse further work; the database calls this when the block ends."""
        self._thread = None


class Transaction(Snapshot):
    """Changes that happen together or not at all, for the length of a ``transaction()`` block.

    It begins at the first ``run``, so a block that finds everything in caches costs nothing.
    """

    def __init__(self, thread: ConnectionThread) -> None:
        super().__init__(thread)
        self.committed: list[Callable[[], None]] = []

    def announce(self) -> None:
        """Tell everyone who asked that the changes are stored; the database calls this."""
        while self.committed:
            self.committed.pop(0)()

    def on_commit(self, action: Callable[[], None]) -> None:
        """Call ``action`` once the changes are stored, such as to update a cache."""
        self.committed.append(action)


class Steps(Transaction):
    """Changes that each happen by themselves: every ``run`` is a transaction of its own.

    It takes one trip to the database's thread instead of two. When cancelled, a ``run`` that has
    begun is still stored.
    """

    async def run(
        self,
        task: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run and commit ``task(connection, ...)``; nothing of it is stored if it raises."""
        if self._thread is None:
            raise RuntimeError("the steps have ended")  # noqa: TRY003
        step = self._thread.step(lambda connection: task(connection, *args, **kwargs))
        step.add_done_callback(lambda done: _announce(done, self))
        return await asyncio.shield(step)


class Database:
    """The SQLite database of the data folder.

    Entering creates or upgrades it and locks the folder against other processes; before an upgrade
    it is copied into ``backups`` beside the data folder. With ``read_only`` it takes no lock,
    changes nothing and works beside the process that writes. How long writers waited for their
    turn goes into ``metrics``.
    """

    def __init__(
        self,
        settings: StorageSettings,
        *,
        clock: Clock,
        read_only: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self.path: Path = database_path(settings)
        self._copies = settings.data.resolve().parent / "backups"
        self._timeout = settings.busy_timeout_seconds
        self._clock = clock
        self._read_only = read_only
        self._metrics = metrics
        self._lock = ProcessLock(self.path.with_name(self.path.name + ".lock"))
        self._write_turn = asyncio.Lock()
        self._writing: asyncio.Task[object] | None = None
        self._writer: ConnectionThread | None = None
        self._readers: list[ConnectionThread] = []
        self._free: asyncio.LifoQueue[ConnectionThread] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        """Open; raises ``Busy`` when another process has it and ``StorageError`` otherwise."""
        await asyncio.to_thread(self._prepare)
        reading = self._engine("read")
        for number in range(_READERS):
            reader = ConnectionThread(
                reading, self.path, name=f"database-reader-{number}", begin="BEGIN"
            )
            self._readers.append(reader)
            self._free.put_nowait(reader)
        if not self._read_only:
            self._writer = ConnectionThread(
                self._engine("write"), self.path, name="database-writer", begin="BEGIN IMMEDIATE"
            )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the running transaction, then close; the write-ahead log is folded in."""
        async with self._write_turn:
            for reader in self._readers:
                await reader.close()
            if self._writer is not None:
                await self._writer.close()
                self._writer = None
            self._readers.clear()
            self._free = asyncio.LifoQueue()
            self._lock.release()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction, None]:
        """Wait for the turn to write; commit at the end of the block, roll back if it raises.

        Transactions follow each other in the order they were asked for. Never nest them, and
        never wait for anything but the database inside. A commit that is cancelled still happens.
        """
        if self._writing is not None and self._writing is asyncio.current_task():
            raise RuntimeError(_NESTED)
        asked = self._clock.monotonic()
        async with self._write_turn:
            self._note_wait(asked)
            writer = self._open_writer()
            transaction = Transaction(writer)
            self._writing = asyncio.current_task()
            try:
                yield transaction
            except BaseException:
                await asyncio.shield(writer.rollback())
                raise
            else:
                commit = writer.commit()
                commit.add_done_callback(lambda done: _announce(done, transaction))
                await asyncio.shield(commit)
            finally:
                transaction.end()
                self._writing = None

    @asynccontextmanager
    async def steps(self) -> AsyncGenerator[Steps, None]:
        """Wait for the turn to write; each ``run`` in the block is stored by itself.

        For a single change, which is quicker this way than in a ``transaction()``.
        """
        asked = self._clock.monotonic()
        async with self._write_turn:
            self._note_wait(asked)
            steps = Steps(self._open_writer())
            try:
                yield steps
            finally:
                steps.end()

    @asynccontextmanager
    async def reader(self) -> AsyncGenerator[Snapshot, None]:
        """Open a consistent view; it cannot write. Keep it short: it holds the log's end back."""
        if not self._readers:
            raise RuntimeError(_CLOSED)
        free = self._free
        thread = await free.get()
        snapshot = Snapshot(thread)
        try:
            yield snapshot
        finally:
            snapshot.end()
            ended = thread.rollback()
            ended.add_done_callback(_retrieve)
            free.put_nowait(thread)

    async def checkpoint(self) -> None:
        """Fold the write-ahead log into the database file and empty it."""
        await self.outside(_checkpoint)

    async def outside(self, task: Callable[[Connection], T]) -> T:
        """Run ``task(connection)`` as the writer but in no transaction, such as a ``VACUUM``.

        Every change waits for it. When cancelled, work that has begun still ends.
        """
        async with self._write_turn:
            work = self._open_writer().outside(task)
            work.add_done_callback(_retrieve)
            return await asyncio.shield(work)

    def _note_wait(self, asked: float) -> None:
        if self._metrics is not None:
            self._metrics.time("database_wait_seconds", self._clock.monotonic() - asked)

    def _open_writer(self) -> ConnectionThread:
        if self._writer is None:
            raise RuntimeError(_NOT_WRITABLE)
        return self._writer

    def _engine(self, access: str) -> Engine:
        return sqlite_engine(
            self.path, access="read" if access == "read" else "write", busy_timeout=self._timeout
        )

    def _prepare(self) -> None:
        try:
            if self._read_only:
                refuse_unfinished(self.path.parent)
                if is_blank(self.path):
                    raise NotFound("no_database", f"There is no database in {self.path.parent}.")
                self._inspect()
                return
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise StorageError(
                "data_folder",
                f"acore cannot use the folder {self.path.parent}: {error.strerror}.",
            ) from error
        try:
            self._finish_restore()
            found = None if is_blank(self.path) else self._inspect()
            self._set_up(found)
        except BaseException:
            self._lock.release()
            raise

    def _copy_folder(self) -> Path:
        """Return where to copy the database before an upgrade; within the data as a last resort."""
        try:
            self._copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return self.path.parent / "backups"
        writable = os.access(self._copies, os.W_OK | os.X_OK)
        return self._copies if writable else self.path.parent / "backups"

    def _finish_restore(self) -> None:
        try:
            finish_replacement(self.path.parent)
        except OSError as error:
            raise StorageError(
                "restore_unfinished",
                f"A restore into {self.path.parent} cannot be finished: {error.strerror}.",
            ) from error

    def _inspect(self) -> str | None:
        engine = sqlite_engine(self.path, access="inspect", busy_timeout=self._timeout)
        try:
            with engine.connect() as connection:
                if self.path.stat().st_size <= _CHECKED_AT_START:
                    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                    if found != "ok":
                        raise damaged(self.path)
                return revision(connection, self.path)
        except DBAPIError as error:
            raise (translated(error, self.path) or damaged(self.path)) from error

    def _set_up(self, found: str | None) -> None:
        engine = sqlite_engine(self.path, access="write", busy_timeout=self._timeout)
        try:
            with engine.connect() as connection:
                mode = journal_mode(use_modern_sqlite().sqlite_version_info)
                connection.exec_driver_sql(f"PRAGMA journal_mode = {mode}")
                if found == HEAD:
                    return
                if found is not None:
                    moment = f"{self._clock.now():%Y%m%d-%H%M%S}"
                    copy_to(
                        connection,
                        self._copy_folder() / f"before-{HEAD}-{moment}.db",
                    )
                connection.rollback()
                with connection.begin():
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    upgrade(connection)
        except DBAPIError as error:
            failure = StorageError(
                "upgrade_failed",
                f"{self.path} cannot be brought up to date and was left as it was; see the log.",
            )
            raise (translated(error, self.path) or failure) from error


def _checkpoint(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _announce(commit: asyncio.Future[T], transaction: Transaction) -> None:
    if not commit.cancelled() and commit.exception() is None:
        transaction.announce()


def _retrieve(ended: asyncio.Future[T]) -> None:
    if not ended.cancelled():
        ended.exception()
