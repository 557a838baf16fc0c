"""Places that were left, and forgetting them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId
from services.domain.people import Role
from services.housekeeping.chore import ChoreReport, Round
from services.memory.forgetting.place_rows import PlaceOverview
from services.memory.forgetting.receipts import Receipt
from services.memory.forgetting.service import Forgetting
from services.memory.scope import place_of
from services.storage.database import Database
from services.storage.tables import conversations, departures

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A place that was left, and when that was noticed first."""

    platform: str
    scope: str
    left_at: datetime

    @property
    def place(self) -> str:
        """Return the place as memory calls it."""
        return f"{self.platform}:{self.scope}"


class Departures:
    """Notes which places were left, and forgets them ``days`` later unless they have us back.

    What is noted survives a restart. Forgetting is that of ``Forgetting.forget_place``: resumed
    after a crash, and proven.
    """

    def __init__(
        self, *, database: Database, forgetting: Forgetting, clock: Clock, days: float
    ) -> None:
        self._database = database
        self._forgetting = forgetting
        self._clock = clock
        self._days = days
        self._lock = asyncio.Lock()

    async def left(self, platform: str, scope: str) -> None:
        """Note that a place was left; the first time counts until ``returned``."""
        await self._note(platform, [scope])

    async def returned(self, platform: str, scope: str) -> None:
        """Keep what is known of a place after all; waits for a place that is being forgotten."""
        async with self._lock:
            await self._drop(platform, scope)

    async def present(self, platform: str, scopes: Collection[str]) -> None:
        """Note in which places of a platform we are now: all others that are known were left.

        For what happened while nobody listened. Direct messages and rooms are no such places.
        """
        left = {one.scope for one in await self._departed() if one.platform == platform}
        for scope in left & set(scopes):
            await self.returned(platform, scope)
        await self._note(platform, sorted(await self._known(platform) - set(scopes)))

    async def due(self, *, as_of: datetime) -> Sequence[Departure]:
        """Return the places that were left long enough ago, the first left first."""
        before = as_of - timedelta(days=self._days)
        return [one for one in await self._departed() if one.left_at <= before]

    async def forget(self, departure: Departure) -> Receipt | None:
        """Forget a place that was left; ``None`` when it has us back or nothing is known of it.

        Raises ``StorageError``; cut off, it is finished at the next start.
        """
        async with self._lock:
            if departure not in await self._departed():
                return None
            try:
                return await self._forgetting.forget_place(departure.place)
            except NotFound:
                await self._drop(departure.platform, departure.scope)
                return None

    async def known_of(self, platform: str, scope: str) -> PlaceOverview:
        """Return how much ``forget_now`` would erase. Raises ``InvalidRequest``."""
        return await self._forgetting.known_of(_checked(platform, scope))

    async def forget_now(self, platform: str, scope: str, *, role: Role) -> Receipt:
        """Forget a place at once because somebody there asks for it, who has ``role`` there.

        Raises ``NotAllowed`` below an admin, ``NotFound`` when nothing is known of the place and
        ``InvalidRequest`` for direct messages and rooms, of which a person is forgotten.
        """
        if role < Role.ADMIN:
            raise NotAllowed(
                "forget_place_permission", "Only admins can have a whole server forgotten."
            )
        place = _checked(platform, scope)
        async with self._lock:
            return await self._forgetting.forget_place(place)

    # -- rows

    async def _note(self, platform: str, scopes: Sequence[str]) -> None:
        def work(connection: Connection) -> None:
            rows = [
                {"platform": platform, "scope": scope, "left_at": self._clock.now()}
                for scope in scopes
            ]
            connection.execute(insert(departures).on_conflict_do_nothing(), rows)

        if scopes:
            async with self._database.transaction() as tx:
                await tx.run(work)

    async def _drop(self, platform: str, scope: str) -> None:
        def work(connection: Connection) -> None:
            connection.execute(
                delete(departures).where(
                    departures.c.platform == platform, departures.c.scope == scope
                )
            )

        async with self._database.transaction() as tx:
            await tx.run(work)

    async def _departed(self) -> list[Departure]:
        def work(connection: Connection) -> list[Departure]:
            found = connection.execute(select(departures).order_by(departures.c.left_at))
            return [Departure(**row) for row in found.mappings()]

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _known(self, platform: str) -> set[str]:
        def work(connection: Connection) -> set[str]:
            query = select(conversations.c.scope).where(conversations.c.platform == platform)
            return set(connection.execute(query.distinct()).scalars())

        async with self._database.reader() as snapshot:
            scopes = await snapshot.run(work)
        return {scope for scope in scopes if _is_shared(platform, scope)}


class LeftPlaces:
    """Forgets the places that were left long enough ago."""

    name = "departures"

    def __init__(self, departures: Departures) -> None:
        self._departures = departures

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Forget them; a rehearsal counts the messages that would go."""
        report = ChoreReport()
        for departure in await self._departures.due(as_of=circumstances.as_of):
            if circumstances.rehearsal:
                known = await self._departures.known_of(departure.platform, departure.scope)
                report += ChoreReport(removed=known.messages)
                continue
            receipt = await self._departures.forget(departure)
            if receipt is not None:
                logger.info("a place that was left is forgotten", extra={"receipt": receipt.id})
                report += ChoreReport(removed=receipt.counts.get("messages", 0))
        return report


def _checked(platform: str, scope: str) -> str:
    if not _is_shared(platform, scope):
        raise InvalidRequest(
            "place_private",
            "Direct messages and rooms are no server; have the person forgotten instead.",
        )
    return f"{platform}:{scope}"


def _is_shared(platform: str, scope: str) -> bool:
    """Tell whether memories of a place belong to all its channels together."""
    return place_of(ConversationId(platform, scope, "any")) == f"{platform}:{scope}"
