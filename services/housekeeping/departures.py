"""Places that were left, and when they are forgotten."""

from __future__ import annotations

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.sqlite import insert

from services.domain.clock import Clock
from services.storage.database import Database
from services.storage.tables import departures


class Departures:
    """Notes which places were left; what is noted survives a restart."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def left(self, platform: str, scope: str) -> None:
        """Note that a place was left; the first time counts until ``returned``."""

        def work(connection: Connection) -> None:
            connection.execute(
                insert(departures)
                .values(platform=platform, scope=scope, left_at=self._clock.now())
                .on_conflict_do_nothing()
            )

        async with self._database.transaction() as tx:
            await tx.run(work)

    async def returned(self, platform: str, scope: str) -> None:
        """Keep what is known of a place after all."""

        def work(connection: Connection) -> None:
            connection.execute(
                delete(departures).where(
                    departures.c.platform == platform, departures.c.scope == scope
                )
            )

        async with self._database.transaction() as tx:
            await tx.run(work)
