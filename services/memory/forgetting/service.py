"""Forgetting: one operation that ends with a proof, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import AcoreError, InvalidRequest, NotFound
from services.domain.ids import IdSource, MessageId, PersonId
from services.memory.forgetting import erasures, place_rows
from services.memory.forgetting import rows as rows
from services.memory.forgetting.erasing import Erasing
from services.memory.forgetting.erasing_place import ErasingPlace
from services.memory.forgetting.erasures import Erasure, Stage
from services.memory.forgetting.ground import Ground, Live
from services.memory.forgetting.holdings import Holding
from services.memory.forgetting.place_rows import PlaceOverview
from services.memory.forgetting.proving import prove
from services.memory.forgetting.receipts import Receipt
from services.memory.forgetting.rows import Target
from services.memory.recollections import Dropped, Vectorizer
from services.memory.scope import Kind
from services.storage.backup import made_at
from services.storage.blobs import BlobStore
from services.storage.database import Database

logger = logging.getLogger(__name__)

_SAID_BY_PEOPLE = (Kind.TURN, Kind.FACT, Kind.SUMMARY)


class Forgetting:
    """Erases everything of a person or place, or some messages, and checks that it is gone.

    What is to be done is noted first, without words; then others' messages that quote the person
    are redacted, and only then the person's own words go, in small transactions in between which
    everybody else goes on. Killed at any point, the next entering goes on where it was. One erasure
    runs at a time. ``vocabulary`` yields texts that are nobody's own, such as those of characters.
    """

    def __init__(
        self,
        *,
        database: Database,
        blobs: BlobStore,
        data: Path,
        backups: Path,
        clock: Clock,
        ids: IdSource,
        index: Vectorizer | None = None,
        live: Live | None = None,
        vocabulary: Callable[[], Iterable[str]] | None = None,
        holdings: Sequence[Holding] = (),
    ) -> None:
        self._ground = Ground(
            database=database,
            blobs=blobs,
            data=data,
            backups=backups,
            clock=clock,
            ids=ids,
            index=index,
            live=live,
            vocabulary=vocabulary,
            holdings=holdings,
        )
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Finish what a crash left undone; what fails now is tried again at the next start."""
        with suppress(AcoreError):
            await self.resume()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def forget(self, person: PersonId) -> Receipt:
        """Erase everything of a person, all linked accounts included; return the proof.

        Raises ``NotFound`` for somebody who is not known and ``StorageError`` when the disk fails.
        Cut off or failed, it is finished by ``resume``, or by asking again.
        """
        async with self._turn:
            for erasure in await self._ground.read(erasures.unfinished):
                if erasure.target.person == person and erasure.target.whole:
                    return await self._run(erasure, resumed=True)
            target = await self._ground.read(rows.find_target, person)
            if target is None:
                raise NotFound("person_unknown", "Nothing is known of that person.")
            return await self._run(await self._begin(target))

    async def forget_messages(self, person: PersonId, messages: Sequence[MessageId]) -> Receipt:
        """Erase some messages of a person and what was learnt from them.

        Quotes of them are redacted where the person was present. Without a search through the
        files: that is the proof of ``forget``.
        """
        if not messages:
            raise InvalidRequest("nothing_to_forget", "There is nothing to forget.")
        async with self._turn:
            target = await self._ground.read(rows.find_target, person)
            if target is None:
                raise NotFound("person_unknown", "Nothing is known of that person.")
            some = Target(
                person=person,
                accounts=target.accounts,
                messages=tuple(await self._ground.read(rows.theirs_among, target, messages)),
            )
            if not some.messages:
                raise NotFound("message_unknown", "There is no such message of that person.")
            return await self._run(await self._begin(some))

    async def forget_place(self, place: str) -> Receipt:
        """Erase everything of a place, written ``platform:scope``; return the proof.

        That is every conversation there with all that was learnt, chosen and granted in it, and
        people who are known from nowhere else. What was said elsewhere stays. Raises ``NotFound``
        for a place of which nothing is known; otherwise like ``forget``.
        """
        async with self._turn:
            for erasure in await self._ground.read(erasures.unfinished):
                if erasure.target.place == place:
                    return await self._run(erasure, resumed=True)
            target = await self._ground.read(place_rows.find_place, place)
            if target is None and await self._held(place):
                target = Target(place=place, people=())
            if target is None:
                raise NotFound("place_unknown", "Nothing is known of that place.")
            return await self._run(await self._begin(target))

    async def known_of(self, place: str) -> PlaceOverview:
        """Return how much ``forget_place`` would erase."""
        known = await self._ground.read(place_rows.overview, place)
        return replace(known, kept=await self._held(place))

    async def resume(self) -> Sequence[Receipt]:
        """Finish the erasures that were cut off, and return their receipts."""
        async with self._turn:
            receipts = []
            for erasure in await self._ground.read(erasures.unfinished):
                logger.warning("an erasure is taken up again", extra={"erasure": erasure.id})
                receipts.append(await self._run(erasure, resumed=True))
            return receipts

    async def receipt(self, identity: str) -> Mapping[str, object]:
        """Return a receipt as JSON values; raises ``NotFound``."""
        found = await self._ground.read(erasures.receipt_of, identity)
        if found is None:
            raise NotFound("receipt_unknown", "There is no such receipt.")
        return found

    async def _held(self, place: str) -> int:
        """Count what other services keep of a place, by taking it away and undoing that."""

        def tried(connection: Connection) -> int:
            trial = connection.begin_nested()
            try:
                return sum(one.erase_place(connection, place) for one in self._ground.holdings)
            finally:
                trial.rollback()

        async with self._ground.database.transaction() as tx:
            return await tx.run(tried)

    # -- the stages

    async def _begin(self, target: Target) -> Erasure:
        erasure = Erasure(
            id=self._ground.ids.new(),
            target=target,
            stage=Stage.ERASING,
            requested_at=self._ground.clock.now(),
        )
        async with self._ground.database.transaction() as tx:
            await tx.run(erasures.begin, erasure)
        return erasure

    async def _run(self, erasure: Erasure, *, resumed: bool = False) -> Receipt:
        places = frozenset(await self._ground.read(rows.places_of, erasure.target))
        if self._ground.live is not None:
            await self._ground.live.hush(places)
        kind = Erasing if erasure.target.place is None else ErasingPlace
        work = kind(erasure, ground=self._ground, places=places)
        if erasure.stage is Stage.ERASING:
            await work.run()
        return await self._finish(work, resumed=resumed)

    async def _finish(self, work: Erasing, *, resumed: bool) -> Receipt:
        counts = (await self._ground.read(erasures.load, work.erasure.id)).counts
        whole = work.target.whole
        if self._ground.index is not None:
            if whole:
                every = [Dropped(0, kind) for kind in _SAID_BY_PEOPLE]
                await self._ground.index.dropped(every, thoroughly=True)
            self._ground.index.wake(sweep=True)
        strings = list(dict.fromkeys(work.needles)) if whole else []
        proof = await prove(
            self._ground.database, self._ground.data, strings, rewrite=resumed and whole
        )
        receipt = Receipt(
            id=work.erasure.id,
            requested_at=work.erasure.requested_at,
            finished_at=self._ground.clock.now(),
            counts=counts,
            scan=proof.scan if whole else None,
            compacted=proof.compacted,
            backups=await asyncio.to_thread(_count_backups, self._ground.backups),
        )
        async with self._ground.database.transaction() as tx:
            await tx.run(erasures.finish, receipt)
        logger.info(
            "an erasure is done",
            extra={"erasure": receipt.id, "clean": receipt.clean, "compacted": proof.compacted},
        )
        return receipt


def _count_backups(folder: Path) -> int:
    return sum(1 for path in folder.glob("acore-*") if made_at(path))
