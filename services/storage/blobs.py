"""Attachments as files named by their content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import aiofiles.os
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound, StorageError
from services.settings import StorageSettings
from services.storage.database import Database
from services.storage.opening import opened
from services.storage.tables import attachments, blobs

# What was just stored may belong to a message that is not recorded yet.
_GRACE = timedelta(hours=1)
# A last use is noted no more often than this, so that reading does not mean writing.
_USE_NOTED_EVERY = timedelta(hours=1)
_REFERENCED = select(attachments.c.id).where(attachments.c.sha256 == blobs.c.sha256).exists()
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """Bytes in the store; ``sha256`` in hex names them."""

    sha256: str
    size: int
    media_type: str


class BlobStore:
    """Keeps each content once, under ``blobs/`` in the data folder.

    When the total outgrows ``blob_cache_mb``, files that no message refers to are dropped, the
    least recently used first; what a message refers to stays.
    """

    def __init__(self, settings: StorageSettings, *, database: Database, clock: Clock) -> None:
        self._folder = settings.data / "blobs"
        self._largest = settings.max_attachment_mb * 2**20
        self._capacity = settings.blob_cache_mb * 2**20
        self._database = database
        self._clock = clock
        self._written = 0
        # A name and its row come and go together, or a drop could take a file just put back.
        self._naming = asyncio.Lock()

    async def put(self, content: bytes | AsyncIterable[bytes], *, media_type: str) -> StoredBlob:
        """Store bytes durably and return their name.

        Raises ``InvalidRequest`` as soon as they exceed ``max_attachment_mb``, and
        ``StorageError`` when the disk fails; nothing is left behind then.
        """
        self._written += 1
        unfinished = self._folder / f".{os.getpid()}-{self._written}.part"
        try:
            digest, size = await self._write(content, unfinished)
            async with self._naming:
                await self._name(unfinished, digest)
                stored_type = await self._note(digest, size=size, media_type=media_type)
        except OSError as error:
            raise StorageError(
                "blob_write",
                f"The attachment cannot be saved in {self._folder}: {error.strerror}.",
            ) from error
        finally:
            if await aiofiles.os.path.exists(unfinished):
                await aiofiles.os.remove(unfinished)
        await self.evict()
        return StoredBlob(sha256=digest, size=size, media_type=stored_type)

    async def read(self, sha256: str) -> bytes:
        """Return the bytes; raises ``NotFound`` when they were dropped or never stored."""
        found = await self._find(sha256)
        if found is None:
            raise _gone()
        if self._clock.now() - found > _USE_NOTED_EVERY:
            await self._note_use(sha256)
        try:
            async with opened(self._path(sha256), "rb") as file:
                return await asyncio.to_thread(file.read)
        except FileNotFoundError as error:
            raise _gone() from error
        except OSError as error:
            raise StorageError(
                "blob_read", f"The attachment cannot be read from {self._folder}: {error.strerror}."
            ) from error

    async def evict(self) -> int:
        """Drop unreferenced files until the total fits, and return how many bytes went."""
        async with self._database.reader() as snapshot:
            total = await snapshot.run(_total)
        if total <= self._capacity:
            return 0
        before = self._clock.now() - _GRACE
        async with self._naming:
            async with self._database.transaction() as tx:
                doomed = await tx.run(_drop_unused, total - self._capacity, before)
            for sha256, _ in doomed:
                path = self._path(sha256)
                if await aiofiles.os.path.exists(path):
                    await aiofiles.os.remove(path)
        return sum(size for _, size in doomed)

    async def remove(self, gone: Sequence[str]) -> int:
        """Delete those contents that no message refers to; return how many bytes went.

        For what must not stay on the disk; a second call does no harm.
        """
        size = 0
        async with self._naming:
            async with self._database.reader() as snapshot:
                named = await snapshot.run(_attached, gone)
            unused = [sha256 for sha256 in gone if sha256 not in named]
            for sha256 in unused:
                size += await asyncio.to_thread(_unlink, self._path(sha256))
            async with self._database.steps() as tx:
                await tx.run(_drop_rows, unused)
        return size

    async def drop_unnamed(self, *, before: datetime, rehearsal: bool = False) -> tuple[int, int]:
        """Remove files written earlier than ``before`` that no row names, as a crash leaves them.

        Return how many and their bytes; with ``rehearsal`` nothing changes.
        """
        async with self._database.reader() as snapshot:
            named = await snapshot.run(_named)
        strays = await asyncio.to_thread(_strays, self._folder, named, before)
        count, total = 0, 0
        for path, size in strays:
            if not rehearsal and not await self._drop_stray(path):
                continue
            count, total = count + 1, total + size
        return count, total

    async def drop_bodiless(self, *, before: datetime, rehearsal: bool = False) -> int:
        """Remove rows last used earlier than ``before`` whose file is gone; return how many.

        Those of attachments stay: their files may lie on a disk that is away for now.
        """
        async with self._database.reader() as snapshot:
            rows = await snapshot.run(_unreferenced, before)
        gone = await asyncio.to_thread(
            lambda: [sha256 for sha256 in rows if not self._path(sha256).exists()]
        )
        if gone and not rehearsal:
            async with self._naming, self._database.steps() as tx:
                await tx.run(_forget, gone, before)
        return len(gone)

    async def _drop_stray(self, path: Path) -> bool:
        """Remove a file unless it was stored again since it was found."""
        async with self._naming:
            async with self._database.reader() as snapshot:
                if await snapshot.run(_is_named, path.parent.name + path.name):
                    return False
            await asyncio.to_thread(path.unlink)
        return True

    async def _write(
        self, content: bytes | AsyncIterable[bytes], unfinished: Path
    ) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        await aiofiles.os.makedirs(self._folder, exist_ok=True)
        async with opened(unfinished, "wb") as file, aclosing(_pieces(content)) as pieces:
            async for piece in pieces:
                size += len(piece)
                if size > self._largest:
                    raise InvalidRequest(
                        "attachment_too_large",
                        f"Attachments may have {self._largest // 2**20} MB at most.",
                    )
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(file.flush)
            await asyncio.to_thread(os.fsync, file.fileno())
        return digest.hexdigest(), size

    async def _name(self, unfinished: Path, digest: str) -> None:
        final = self._path(digest)
        await aiofiles.os.makedirs(final.parent, exist_ok=True)
        await aiofiles.os.replace(unfinished, final)

    async def _note(self, digest: str, *, size: int, media_type: str) -> str:
        now = self._clock.now()

        def work(connection: Connection) -> str:
            connection.execute(
                insert(blobs)
                .values(
                    sha256=digest,
                    size=size,
                    media_type=media_type,
                    created_at=now,
                    last_used_at=now,
                )
                .on_conflict_do_update(index_elements=["sha256"], set_={"last_used_at": now})
            )
            return str(
                connection.execute(
                    select(blobs.c.media_type).where(blobs.c.sha256 == digest)
                ).scalar_one()
            )

        async with self._database.transaction() as tx:
            return await tx.run(work)

    async def _find(self, sha256: str) -> datetime | None:
        def work(connection: Connection) -> datetime | None:
            query = select(blobs.c.last_used_at).where(blobs.c.sha256 == sha256)
            return connection.execute(query).scalar_one_or_none()

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _note_use(self, sha256: str) -> None:
        def work(connection: Connection) -> None:
            connection.execute(
                update(blobs).where(blobs.c.sha256 == sha256).values(last_used_at=self._clock.now())
            )

        async with self._database.transaction() as tx:
            await tx.run(work)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]


def _total(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.sum(blobs.c.size), 0))).scalar_one())


def _drop_unused(connection: Connection, excess: int, before: datetime) -> list[tuple[str, int]]:
    candidates = connection.execute(
        select(blobs.c.sha256, blobs.c.size)
        .where(~_REFERENCED, blobs.c.last_used_at < before)
        .order_by(blobs.c.last_used_at)
    )
    doomed: list[tuple[str, int]] = []
    for sha256, size in candidates:
        if excess <= 0:
            break
        doomed.append((sha256, size))
        excess -= size
    for sha256, _ in doomed:
        connection.execute(delete(blobs).where(blobs.c.sha256 == sha256))
    return doomed


def _attached(connection: Connection, among: Sequence[str]) -> set[str]:
    query = select(attachments.c.sha256).where(attachments.c.sha256.in_(among))
    return set(connection.execute(query).scalars())


def _drop_rows(connection: Connection, gone: Sequence[str]) -> None:
    connection.execute(delete(blobs).where(blobs.c.sha256.in_(gone)))


def _unlink(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def _named(connection: Connection) -> set[str]:
    rows = connection.execute(select(blobs.c.sha256).union(select(attachments.c.sha256)))
    return set(rows.scalars())


def _is_named(connection: Connection, sha256: str) -> bool:
    return any(
        connection.execute(select(table.c.sha256).where(table.c.sha256 == sha256)).first()
        for table in (blobs, attachments)
    )


def _unreferenced(connection: Connection, before: datetime) -> list[str]:
    query = select(blobs.c.sha256).where(~_REFERENCED, blobs.c.last_used_at < before)
    return list(connection.execute(query).scalars())


def _forget(connection: Connection, gone: Sequence[str], before: datetime) -> None:
    for sha256 in gone:
        connection.execute(
            delete(blobs).where(
                blobs.c.sha256 == sha256, ~_REFERENCED, blobs.c.last_used_at < before
            )
        )


def _strays(folder: Path, named: set[str], before: datetime) -> list[tuple[Path, int]]:
    found = []
    for path in folder.glob("??/*"):
        digest = path.parent.name + path.name
        if not _DIGEST.fullmatch(digest) or digest in named:
            continue
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_mtime < before.timestamp():
            found.append((path, status.st_size))
    return found


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


def _gone() -> NotFound:
    return NotFound("attachment_gone", "That attachment is no longer stored.")
