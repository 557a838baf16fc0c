"""A database with conversations, and an indexer that follows them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select, text

from services.conversation.history import Anchor, History
from services.domain.clock import Clock
from services.domain.events import MessageRecorded
from services.domain.ids import ConversationId, IdSource, MessageId, TurnId
from services.domain.messages import HistoryEntry
from services.domain.people import Author
from services.events.local import LocalEventBus
from services.memory.embedding import Embedder
from services.memory.index.exact import ExactIndex
from services.memory.index.indexing import Indexer
from services.memory.index.shelves import Shelf
from services.memory.index.vectors import VectorIndex
from services.memory.scope import Kind
from services.observability.metrics import Metrics
from services.storage.database import Database
from services.storage.tables import recollections
from tests.fakes.hash_embedder import HashEmbedder
from tests.unit.storage.samples import ALICE, MIRA, PLACE, Said, database_in

WITNESSES = frozenset({ALICE.id, MIRA.persona or ""})

_FOUND = text(
    "SELECT r.ref FROM recollection_words w JOIN recollections r ON r.id = w.rowid "
    "WHERE recollection_words MATCH :words ORDER BY r.id"
)


@dataclass(slots=True)
class World:
    """What is said here is in the database at once, and in the index once it has caught up."""

    database: Database
    clock: Clock
    said: Said
    embedder: HashEmbedder
    history: History = field(default_factory=History)
    bus: LocalEventBus = field(default_factory=LocalEventBus)
    metrics: Metrics = field(default_factory=Metrics)
    notices: list[tuple[str, str]] = field(default_factory=list)
    turns: VectorIndex = field(default_factory=ExactIndex)
    documents: VectorIndex = field(default_factory=ExactIndex)

    async def say(
        self,
        words: str,
        author: Author = ALICE,
        *,
        place: ConversationId = PLACE,
        parent: MessageId | Anchor | None = Anchor.HEAD,
        turn: TurnId | None = None,
        told: bool = True,
        witnesses: frozenset[object] = WITNESSES,
    ) -> HistoryEntry:
        """Store a message, and tell of it unless ``told`` is off."""
        async with self.database.transaction() as tx:
            recorded = await self.history.record(
                tx,
                self.said(words, author, place=place),
                parent=parent,
                turn=turn,
                witnesses=witnesses,  # type: ignore[arg-type]
            )
        if told:
            self.bus.publish(MessageRecorded(entry=recorded.entry))
        return recorded.entry

    async def say_many(self, texts: Sequence[str], *, place: ConversationId = PLACE) -> None:
        """Store messages by turns of two speakers, in one transaction, and tell nobody."""
        async with self.database.transaction() as tx:
            for number, words in enumerate(texts):
                author = (ALICE, MIRA)[number % 2]
                message = self.said(words, author, place=place)
                await self.history.record(tx, message, witnesses=WITNESSES)  # type: ignore[arg-type]

    @asynccontextmanager
    async def indexing(
        self,
        *,
        embedder: Embedder | None = None,
        idle: Callable[[], Awaitable[None]] | None = None,
        erases: bool = True,
    ) -> AsyncGenerator[Indexer, None]:
        """Run an indexer inside the context."""
        spoken = (Kind.TURN, Kind.FACT, Kind.SUMMARY)
        async with Indexer(
            database=self.database,
            bus=self.bus,
            embedder=embedder or self.embedder,
            shelves=[
                Shelf(name="turns", index=self.turns, kinds=spoken, erases=erases),
                Shelf(name="documents", index=self.documents, kinds=(Kind.PASSAGE,)),
            ],
            clock=self.clock,
            metrics=self.metrics,
            on_notice=lambda code, told: self.notices.append((code, told)),
            idle=idle,
        ) as indexer:
            yield indexer

    async def found(self, words: str) -> list[str]:
        """Return the messages in whose indexed words ``words`` are."""

        def work(connection: Connection) -> list[str]:
            return list(connection.execute(_FOUND, {"words": words}).scalars())

        async with self.database.reader() as snapshot:
            return await snapshot.run(work)

    async def near(self, words: str, *, limit: int = 3) -> list[str]:
        """Return the messages whose vectors are nearest."""
        vector = self.embedder.vector(words)
        near = await self.turns.search(vector, groups=None, limit=limit)
        rows = await self.rows()
        by_row = {row["id"]: ref for ref, row in rows.items()}
        return [by_row[each.row] for each in near]

    async def rows(self) -> dict[str, dict[str, object]]:
        """Return all rows by what they stand for."""

        def work(connection: Connection) -> dict[str, dict[str, object]]:
            found = connection.execute(select(recollections)).mappings()
            return {row["ref"]: dict(row) for row in found}

        async with self.database.reader() as snapshot:
            return await snapshot.run(work)


@asynccontextmanager
async def opened_world(
    folder: Path, clock: Clock, ids: IdSource, *, embedder: HashEmbedder | None = None
) -> AsyncGenerator[World, None]:
    """Open a database in ``folder``."""
    async with database_in(folder, clock) as database:
        yield World(
            database=database,
            clock=clock,
            said=Said(ids, clock),
            embedder=embedder or HashEmbedder(),
        )
