"""Making the vectors of what waits for one, and keeping the vector indexes like the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault, StorageError
from services.memory.embedders.plain_words import NONE
from services.memory.embedding import Embedder, Vectors
from services.memory.index import embeddings
from services.memory.index.embeddings import Waiting
from services.memory.index.shelves import Shelf, ShelfKeeper
from services.memory.index.vectors import VectorRecord
from services.memory.recollections import Dropped
from services.observability.metrics import Metrics
from services.storage.database import Database

logger = logging.getLogger(__name__)

_EMBEDDED_AT_ONCE = 16
_UNEMBEDDED_AT_ONCE = 500
_FIRST_REST = 2.0
_LONGEST_REST = 300.0
_TOLD_AFTER = 3
_CHECK_SECONDS = 60.0
_SECOND_LOOK_SECONDS = 2.0
_LONGEST_WAIT_FOR_IDLE = 5.0
_HARMLESS = "hello"

# What is wrong with a text rather than with the engine, so that only that text is given up.
_OF_THE_TEXT = (ProviderFault.REJECTED, ProviderFault.MALFORMED, ProviderFault.EMPTY)


class VectorWriter:
    """Embeds rows, stores their vectors, and brings the vector indexes up to date.

    ``change`` is held by whoever changes rows until the indexes have followed. ``failing`` is what
    the embedder last failed with, in one sentence, until it works again.
    """

    def __init__(
        self,
        shelves: Sequence[Shelf],
        *,
        database: Database,
        embedder: Embedder,
        clock: Clock,
        metrics: Metrics,
        on_notice: Callable[[str, str], None],
        idle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.change = asyncio.Lock()
        self.failing: str | None = None
        self._keepers = [
            ShelfKeeper(shelf, database=database, embedder=embedder.id) for shelf in shelves
        ]
        self._database = database
        self._embedder = embedder
        self._clock = clock
        self._metrics = metrics
        self._on_notice = on_notice
        self._idle = idle
        self._opened = False
        self._check_at = 0.0
        self._dimensions: int | None = None
        self._failures = 0
        self._rest_until = 0.0
        self._singly = 0

    @property
    def filling(self) -> bool:
        """Whether stored vectors are still being read into an index."""
        return any(keeper.filling for keeper in self._keepers)

    def until_next(self) -> float:
        """Return in how many seconds something is due: a next try, or the next comparison."""
        due = [keeper.ready_at for keeper in self._keepers if keeper.filling]
        due.append(self._check_at)
        if self._resting():
            due.append(self._rest_until)
        return max(0.0, min(due) - self._clock.monotonic())

    async def step(self) -> bool:
        """Do one small piece of work; say whether there may be more.

        What has failed rests: an index leaves the others and the embedder at work.
        """
        if not self._opened:
            await self._open()
            return True
        for keeper in self._keepers:
            if self._can_fill(keeper):
                await self._fill(keeper)
                return True
        if self._embedder.id != NONE and not self._resting() and await self._embed():
            return True
        if self._clock.monotonic() >= self._check_at:
            await self._check()
        return any(map(self._can_fill, self._keepers))

    async def start_over(self) -> None:
        """Take all vectors away, so that every row is embedded anew."""
        more = True
        while more:
            async with self.change, self._database.transaction() as tx:
                more = bool(await tx.run(embeddings.unembed, limit=_UNEMBEDDED_AT_ONCE))
        self._dimensions = None
        self._failures, self._rest_until = 0, 0.0
        async with self.change:
            for keeper in self._keepers:
                await self._try(keeper, keeper.begin())

    async def drop(self, dropped: Sequence[Dropped], *, thoroughly: bool = False) -> None:
        """Forget the vectors of rows; call it with ``change`` held."""
        for keeper in self._keepers:
            rows = [each.row for each in dropped if each.kind in keeper.shelf.kinds]
            if rows:
                await self._try(keeper, keeper.drop(rows, thoroughly=thoroughly))

    async def close(self) -> None:
        """Close the indexes and the embedder."""
        for keeper in self._keepers:
            await keeper.shelf.index.close()
        await self._embedder.close()

    def _can_fill(self, keeper: ShelfKeeper) -> bool:
        return keeper.filling and self._clock.monotonic() >= keeper.ready_at

    def _resting(self) -> bool:
        return self._clock.monotonic() < self._rest_until

    async def _open(self) -> None:
        self._check_at = self._clock.monotonic() + _CHECK_SECONDS
        async with self.change:
            for keeper in self._keepers:
                await self._try(keeper, keeper.open())
        self._opened = True

    async def _check(self) -> None:
        """Compare the indexes with the database; where one differs, look again soon."""
        async with self.change:
            for keeper in self._keepers:
                await self._try(keeper, keeper.check())
        agreed = not any(keeper.suspected for keeper in self._keepers)
        pause = _CHECK_SECONDS if agreed else _SECOND_LOOK_SECONDS
        self._check_at = self._clock.monotonic() + pause

    async def _fill(self, keeper: ShelfKeeper) -> None:
        try:
            async with self.change:
                await self._try(keeper, keeper.fill())
        except embeddings.MixedVectorsError:
            await self.start_over()

    async def _embed(self) -> bool:
        limit = 1 if self._singly else _EMBEDDED_AT_ONCE
        async with self._database.reader() as snapshot:
            rows = await snapshot.run(embeddings.waiting, self._embedder.id, limit=limit)
        if not rows:
            return False
        await self._wait_for_idle()
        asked = self._clock.monotonic()
        try:
            vectors = await self._embedder.passages([row.text for row in rows])
        except ProviderError as error:
            await self._failed(error, rows)
            return True
        self._metrics.time("memory_embed_seconds", self._clock.monotonic() - asked)
        self._metrics.count("memory_embedded", len(rows))
        self._failures, self.failing = 0, None
        self._singly = max(0, self._singly - 1)
        await self._keep(rows, vectors)
        return True

    async def _wait_for_idle(self) -> None:
        if self._idle is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_WAIT_FOR_IDLE):
                    await self._idle()

    async def _keep(self, rows: Sequence[Waiting], vectors: Vectors) -> None:
        if not await self._fits(vectors.shape[1]):
            await self.start_over()
            return
        async with self.change:
            async with self._database.transaction() as tx:
                places = await tx.run(embeddings.store, self._embedder.id, rows, vectors)
            for keeper in self._keepers:
                here = [place for place in places if rows[place].kind in keeper.shelf.kinds]
                if here and not keeper.lost:
                    records = [VectorRecord(rows[place].row, rows[place].group) for place in here]
                    await self._try(keeper, keeper.shelf.index.upsert(records, vectors[here]))

    async def _fits(self, dimensions: int) -> bool:
        """Say whether new vectors are as long as those stored before."""
        if self._dimensions is None:
            async with self._database.reader() as snapshot:
                self._dimensions = await snapshot.run(embeddings.dimensions, self._embedder.id)
        if self._dimensions is None:
            self._dimensions = dimensions
        if self._dimensions == dimensions:
            return True
        logger.warning(
            "embedder changed its dimensions",
            extra={"before": self._dimensions, "now": dimensions},
        )
        return False

    async def _failed(self, error: ProviderError, rows: Sequence[Waiting]) -> None:
        self._metrics.count("memory_embed_failures", fault=error.fault.value)
        if error.fault in _OF_THE_TEXT and await self._works():
            if len(rows) > 1:
                self._singly = len(rows)
                return
            logger.warning("embedder refuses a text", extra={"detail": error.detail})
            async with self._database.transaction() as tx:
                await tx.run(embeddings.refuse, self._embedder.id, rows[0])
            return
        self.failing = error.user_message
        self._stumble()
        logger.warning(
            "embedder failed", extra={"fault": error.fault.value, "detail": error.detail}
        )
        if self._failures == _TOLD_AFTER:
            self._on_notice(
                "memory_embedder",
                f"{error.user_message} Until then memory is searched by words alone.",
            )

    async def _works(self) -> bool:
        """Say whether the embedder takes a harmless text."""
        try:
            await self._embedder.passages([_HARMLESS])
        except ProviderError:
            return False
        return True

    async def _try(self, keeper: ShelfKeeper, work: Awaitable[object]) -> None:
        """Await ``work`` on an index; where its store fails, it is filled anew, soon or later."""
        try:
            await work
        except (StorageError, ValueError) as error:
            logger.warning(
                "vector index failed; it is filled anew",
                extra={"index": keeper.shelf.name, "cause": str(error)},
            )
            self._metrics.count("memory_index_failures", index=keeper.shelf.name)
            keeper.lose()
            # The first failure is damage, which is repaired at once; another one may last.
            rest = _rest(keeper.failures - 1) if keeper.failures else 0.0
            keeper.failures += 1
            keeper.ready_at = self._clock.monotonic() + rest

    def _stumble(self) -> None:
        self._rest_until = self._clock.monotonic() + _rest(self._failures)
        self._failures += 1


def _rest(failures: int) -> float:
    return float(min(_FIRST_REST * 2**failures, _LONGEST_REST))
