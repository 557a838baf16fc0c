"""Keeps the documents folder and what can be recalled of it in step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest
from services.domain.ids import IdSource
from services.lifecycle import Supervisor
from services.memory.documents import repository
from services.memory.documents.chunking import Passage
from services.memory.documents.extraction import Extractor, extractor
from services.memory.documents.folder import Found, files_in, sha256_of
from services.memory.documents.repository import Document, State
from services.memory.recollections import Vectorizer
from services.settings import MemorySettings
from services.storage.database import Database

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
_PASSAGES_AT_ONCE = 50
_REMOVED_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What a look at the folder changed, in documents."""

    read: int = 0
    removed: int = 0
    refused: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A document and how many passages of it can be recalled."""

    document: Document
    passages: int


class DocumentShelf:
    """Follows the documents folder while it is entered, looking every ``look_seconds``.

    A document that changed is read anew in a process of its own; until that is done its older form
    is recalled, and a crash in between changes nothing. What cannot be read is noted with a
    sentence and tried again when it changes.
    """

    def __init__(
        self,
        settings: MemorySettings,
        *,
        data: Path,
        database: Database,
        clock: Clock,
        ids: IdSource,
        index: Vectorizer,
        on_notice: Callable[[str, str], None],
        look_seconds: float = _LOOK_SECONDS,
        extracting: Callable[[], AbstractAsyncContextManager[Extractor]] = extractor,
    ) -> None:
        self.folder = settings.documents or data / "documents"
        self._enabled = settings.enabled
        self._most_bytes = settings.max_document_mb * 2**20
        self._database = database
        self._clock = clock
        self._ids = ids
        self._index = index
        self._on_notice = on_notice
        self._look_seconds = look_seconds
        self._extracting = extracting
        self._turn = asyncio.Lock()
        self._seen: dict[tuple[str, str], tuple[int, int]] | None = None
        self._supervisor = Supervisor()

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        if self._enabled:
            self._supervisor.start("documents", self._follow, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    async def overview(self) -> list[Shelved]:
        """Return all documents by category and path, refused ones included."""
        async with self._database.reader() as snapshot:
            found = await snapshot.run(repository.all_documents)
            counts = await snapshot.run(repository.passage_counts)
        return [Shelved(document=one, passages=counts.get(one.id, 0)) for one in found]

    async def sync(self, *, afresh: bool = False) -> Sync:
        """Look now and read what changed, or everything ``afresh``; one look at a time.

        Cancelled, it leaves the documents not yet read as they were.
        """
        async with self._turn:
            return await self._sync(afresh=afresh)

    async def _follow(self) -> None:
        while True:
            files = await asyncio.to_thread(files_in, self.folder)
            looks = {key: (one.size, one.modified_ns) for key, one in files.items()}
            if looks != self._seen:
                done = await self.sync()
                self._seen = looks
                if done.read or done.removed or done.refused:
                    self._announce(done)
            await asyncio.sleep(self._look_seconds)

    async def _sync(self, *, afresh: bool) -> Sync:
        files = await asyncio.to_thread(files_in, self.folder)
        async with self._database.steps() as step:
            await step.run(repository.abandon_unfinished)
        async with self._database.reader() as snapshot:
            stored = await snapshot.run(repository.all_documents)
        known = {(one.category, one.path): one for one in stored}
        done = Sync()
        async with self._extracting() as reading:
            for key, file in files.items():
                kept = None if afresh else known.get(key)
                done = await self._take(file, kept, reading, done)
        for category, path in known.keys() - files.keys():
            async with self._database.steps() as step:
                await step.run(repository.retire, category=category, path=path)
            done = replace(done, removed=done.removed + 1)
        await self._sweep()
        return done

    async def _take(
        self, file: Found, kept: Document | None, reading: Extractor, done: Sync
    ) -> Sync:
        if kept is not None and (kept.size, kept.modified_ns) == (file.size, file.modified_ns):
            return replace(done, unchanged=done.unchanged + 1)
        if file.size > self._most_bytes:
            problem = f"{file.path} is larger than {self._most_bytes // 2**20} MB; divide it."
            return await self._refuse(self._document(file, ""), problem, done)
        try:
            digest = await asyncio.to_thread(sha256_of, file.file)
        except OSError as error:
            problem = f"{file.path} cannot be read: {error.strerror}."
            return await self._refuse(self._document(file, ""), problem, done)
        if kept is not None and kept.sha256 == digest:
            async with self._database.steps() as step:
                await step.run(repository.unchanged, kept, modified_ns=file.modified_ns)
            return replace(done, unchanged=done.unchanged + 1)
        document = self._document(file, digest)
        try:
            await self._read(document, file.file, reading)
        except InvalidRequest as error:
            return await self._refuse(document, error.user_message, done)
        return replace(done, read=done.read + 1)

    def _document(self, file: Found, digest: str) -> Document:
        return Document(
            id=self._ids.new(),
            category=file.category,
            path=file.path,
            sha256=digest,
            size=file.size,
            modified_ns=file.modified_ns,
            title=Path(file.path).stem,
            state=State.READING,
            indexed_at=self._clock.now(),
        )

    async def _read(self, document: Document, file: Path, reading: Extractor) -> None:
        async with self._database.steps() as step:
            await step.run(repository.begin, document)
        batch: list[Passage] = []
        async with aclosing(reading.read(file)) as passages:
            async for passage in passages:
                batch.append(passage)
                if len(batch) == _PASSAGES_AT_ONCE:
                    await self._append(document, batch)
                    batch = []
        await self._append(document, batch)
        async with self._database.steps() as step:
            await step.run(repository.stand, document, at=self._clock.now())
        self._index.wake()

    async def _append(self, document: Document, batch: Sequence[Passage]) -> None:
        async with self._database.steps() as step:
            await step.run(repository.append, document, batch)

    async def _refuse(self, document: Document, problem: str, done: Sync) -> Sync:
        logger.warning(
            "document refused", extra={"category": document.category, "document": document.path}
        )
        refused = replace(
            document, id=self._ids.new(), state=State.REFUSED, problem=problem, sha256=""
        )
        async with self._database.transaction() as tx:
            await tx.run(repository.retire, category=document.category, path=document.path)
            await tx.run(repository.begin, refused)
        return replace(done, refused=done.refused + 1)

    async def _sweep(self) -> None:
        more = True
        while more:
            async with self._database.steps() as step:
                more, dropped = await step.run(repository.sweep, most=_REMOVED_AT_ONCE)
            if dropped:
                await self._index.dropped(dropped)

    def _announce(self, done: Sync) -> None:
        refused = f", {done.refused} could not be read" if done.refused else ""
        self._on_notice(
            "documents", f"Documents: {done.read} read, {done.removed} removed{refused}."
        )
