"""Making what is said searchable by its words, as soon as it is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.events import DomainEvent
from services.memory.index import standing, turn_rows
from services.memory.index.news import News
from services.memory.index.turn_rows import Indexed
from services.memory.index.vector_writer import VectorWriter
from services.observability.metrics import Metrics
from services.storage.database import Database

SWEEP_SECONDS = 300.0

_AT_ONCE = 64
_FOUND_AT_ONCE = 2000


class WordWriter:
    """Brings the rows of messages in line with the messages, a transaction per portion.

    News say where to look. A sweep, at the start and every five minutes, finds what they missed.
    """

    def __init__(
        self, *, database: Database, vectors: VectorWriter, clock: Clock, metrics: Metrics
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._clock = clock
        self._metrics = metrics
        self._news = News()
        self._queue: list[str] = []
        self._sweep_at = 0.0

    def note(self, event: DomainEvent) -> None:
        """Take in what has happened."""
        self._news.note(event)

    def sweep_soon(self) -> None:
        """Let the next sweep come as soon as the work at hand is done."""
        self._sweep_at = 0.0

    def until_sweep(self) -> float:
        """Return in how many seconds the next sweep is due."""
        return max(0.0, self._sweep_at - self._clock.monotonic())

    async def verify_all(self) -> None:
        """Queue everything that is indexed for a comparison with its message."""
        async with self._database.reader() as snapshot:
            self._queue += await snapshot.run(turn_rows.indexed)

    async def step(self) -> bool:
        """Do the most urgent piece of work; say whether there may be more."""
        news, self._news = self._news, News()
        if news.lost:
            self.sweep_soon()
        if news.spoken or news.changed or news.moved:
            await self._follow(news)
        elif self._queue:
            ids, self._queue = self._queue[:_AT_ONCE], self._queue[_AT_ONCE:]
            await self._index(ids)
        elif not self.until_sweep():
            await self._sweep()
        else:
            return False
        return True

    async def _follow(self, news: News) -> None:
        async with self._database.reader() as snapshot:
            ids = await snapshot.run(turn_rows.with_following, list(news.changed))
            for conversation in news.spoken:
                new = await snapshot.run(turn_rows.new_messages, conversation, limit=_AT_ONCE)
                if len(new) == _AT_ONCE:
                    self.sweep_soon()
                ids += new
        await self._index(ids)
        await self._settle(news.moved)

    async def _sweep(self) -> None:
        self._sweep_at = self._clock.monotonic() + SWEEP_SECONDS
        async with self._database.reader() as snapshot:
            found = await snapshot.run(turn_rows.unindexed, limit=_FOUND_AT_ONCE)
            if len(found) == _FOUND_AT_ONCE:
                self.sweep_soon()
            else:
                outdated = await snapshot.run(turn_rows.outdated)
                found += await snapshot.run(turn_rows.with_following, outdated)
                await self._settle(await snapshot.run(standing.conversations_indexed))
        self._queue += found

    async def _index(self, ids: Sequence[str]) -> None:
        for portion in _portions(list(dict.fromkeys(ids))):
            async with self._vectors.change:
                async with self._database.transaction() as tx:
                    done = await tx.run(_index, portion)
                await self._vectors.drop(done.dropped)
            self._metrics.count("memory_indexed", done.added)

    async def _settle(self, conversations: Iterable[str]) -> None:
        for conversation in conversations:
            async with self._database.reader() as snapshot:
                wrong = await snapshot.run(standing.moved, conversation)
            if wrong:
                async with self._database.transaction() as tx:
                    await tx.run(standing.settle, conversation)


def _index(connection: Connection, ids: Sequence[str]) -> Indexed:
    done = turn_rows.index_messages(connection, ids)
    for conversation in done.moved:
        standing.settle(connection, conversation)
    return done


def _portions(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
