"""The background indexer: what is said becomes searchable, by words soon, then by meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from services.domain.clock import Clock
from services.events.bus import EventBus
from services.lifecycle import Supervisor
from services.memory.embedders.plain_words import NONE
from services.memory.embedding import Embedder
from services.memory.index import embeddings
from services.memory.index.news import FOLLOWED
from services.memory.index.rounds import Rounds
from services.memory.index.shelves import Shelf
from services.memory.index.vector_writer import VectorWriter
from services.memory.index.word_writer import WordWriter
from services.memory.recollections import Dropped
from services.observability.metrics import Metrics
from services.storage.database import Database

_WORTH_A_NOTICE = 200
_COUNT_SECONDS = 10.0
_WORDS_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the index is: of ``total`` rows ``pending`` have no vector of the embedder yet.

    ``filling`` while stored vectors are read into an index; ``failing`` says in one sentence why
    the embedder rests. Words are searchable throughout.
    """

    total: int
    pending: int
    filling: bool = False
    failing: str | None = None


class Indexer:
    """Keeps words, stored vectors and vector indexes like the messages.

    The database is the truth: every change is one transaction, news only say where to look, and a
    sweep at the start and every five minutes finds what they missed. Words are stored once
    ``idle()``, if given, has returned, but after 1 s at the latest, and vectors are made in small
    batches, then too, but after 5 s at the latest. When the embedder fails it rests from 2 s up to
    5 min between tries. One that is not ``working`` adds nothing and only forgets. Leaving the
    indexer closes the embedder and the indexes.
    """

    def __init__(
        self,
        *,
        database: Database,
        bus: EventBus,
        embedder: Embedder,
        shelves: Sequence[Shelf],
        clock: Clock,
        metrics: Metrics,
        on_notice: Callable[[str, str], None],
        idle: Callable[[], Awaitable[None]] | None = None,
        working: bool = True,
    ) -> None:
        self._working = working
        self._idle = idle
        self._database = database
        self._bus = bus
        self._embedder = embedder
        self._clock = clock
        self._metrics = metrics
        self._on_notice = on_notice
        self._vectors = VectorWriter(
            shelves,
            database=database,
            embedder=embedder,
            clock=clock,
            metrics=metrics,
            on_notice=on_notice,
            idle=idle,
        )
        self._words = WordWriter(
            database=database, vectors=self._vectors, clock=clock, metrics=metrics
        )
        self._word_rounds = Rounds(self._write_words, self._words.until_sweep)
        self._vector_rounds = Rounds(self._write_vectors, self._vectors.until_next)
        self._supervisor = Supervisor()
        self._announced = False
        self._counted_at = 0.0

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        if not self._working:
            return self
        self._supervisor.start("memory news", self._listen, restart=True)
        self._supervisor.start("memory words", self._word_rounds.run, restart=True)
        self._supervisor.start("memory vectors", self._vector_rounds.run, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)
        await self._vectors.close()

    def wake(self, *, sweep: bool = False) -> None:
        """Say that rows were added; ``sweep`` looks for unindexed and changed messages as well."""
        if sweep:
            self._words.sweep_soon()
            self._word_rounds.wake()
        self._vector_rounds.wake()

    async def dropped(self, rows: Sequence[Dropped], *, thoroughly: bool = False) -> None:
        """Forget the vectors of rows that are gone, or changed, since a commit.

        When it returns no search finds them. ``thoroughly`` also rids indexes of them that keep
        what they delete on disk: these are emptied and filled anew in the background.
        """
        async with self._vectors.change:
            await self._vectors.drop(rows, thoroughly=thoroughly)
        self.wake()

    async def caught_up(self) -> Progress:
        """Sweep, and wait until all is done that can be; a failing embedder is not waited for."""
        self.wake(sweep=True)
        await self._word_rounds.quiet.wait()
        self._vector_rounds.wake()
        await self._vector_rounds.quiet.wait()
        return await self.progress()

    async def reindex(self) -> None:
        """Begin to embed everything anew, and to compare all words with the messages.

        Search keeps working: by words at once, by meaning as far as the work has come.
        """
        await self._vectors.start_over()
        await self._words.verify_all()
        self.wake(sweep=True)

    async def progress(self) -> Progress:
        """Count what is done and what is not."""
        async with self._database.reader() as snapshot:
            total, pending = await snapshot.run(embeddings.counted, self._embedder.id)
        if self._embedder.id == NONE:
            pending = 0
        self._metrics.gauge("memory_index_rows", total)
        self._metrics.gauge("memory_index_pending", pending)
        return Progress(
            total=total,
            pending=pending,
            filling=self._vectors.filling,
            failing=self._vectors.failing,
        )

    async def _listen(self) -> None:
        async with self._bus.subscribe(*FOLLOWED) as events:
            self.wake(sweep=True)
            async for event in events:
                self._words.note(event)
                self._word_rounds.wake()

    async def _write_words(self) -> bool:
        if self._idle is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WORDS_WAIT_SECONDS):
                    await self._idle()
        worked = await self._words.step()
        if worked:
            self._vector_rounds.wake()
        return worked

    async def _write_vectors(self) -> bool:
        worked = await self._vectors.step()
        if not worked or self._clock.monotonic() >= self._counted_at:
            self._counted_at = self._clock.monotonic() + _COUNT_SECONDS
            self._tell(await self.progress())
        return worked

    def _tell(self, progress: Progress) -> None:
        if progress.pending >= _WORTH_A_NOTICE and not self._announced:
            self._announced = True
            self._on_notice(
                "memory_indexing",
                f"Memory is being indexed ({progress.pending:,} to go); "
                "until then some of it is found by its words alone.",
            )
        elif self._announced and not progress.pending:
            self._announced = False
            self._on_notice("memory_indexed", "Memory is indexed.")
