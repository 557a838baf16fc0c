"""Which tools of a server were approved, each as it was described then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.clock import Clock
from services.mcp.tables import mcp_pins, mcp_servers
from services.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What was decided about a server: its approved tools' digests by name.

    ``known`` says that a list of its tools was approved before; the first one is by itself, as
    whoever configured the server chose it.
    """

    known: bool = False
    enabled: bool = True
    digests: Mapping[str, str] = field(default_factory=dict)


class Pins:
    """Keeps these decisions."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of(self, server: str) -> Pinned:
        """Return what was decided about a server."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(lambda connection: pinned(connection, server))

    async def approve(self, server: str, digests: Mapping[str, str]) -> None:
        """Approve exactly these tools, in place of those approved before, and use the server."""

        def work(connection: Connection) -> None:
            _put(connection, server, enabled=True, approved_at=self._clock.now())
            connection.execute(delete(mcp_pins).where(mcp_pins.c.server == server))
            rows = [
                {"server": server, "tool": tool, "digest": digest}
                for tool, digest in digests.items()
            ]
            if rows:
                connection.execute(insert(mcp_pins), rows)

        async with self._database.transaction() as tx:
            await tx.run(work)

    async def switch(self, server: str, *, enabled: bool) -> None:
        """Use a server's tools, or none of them; what was approved stays so."""
        async with self._database.transaction() as tx:
            await tx.run(lambda connection: _put(connection, server, enabled=enabled))


def pinned(connection: Connection, server: str) -> Pinned:
    """Return what was decided about a server."""
    row = connection.execute(
        select(mcp_servers.c.enabled, mcp_servers.c.approved_at).where(mcp_servers.c.name == server)
    ).first()
    if row is None:
        return Pinned()
    pins = connection.execute(
        select(mcp_pins.c.tool, mcp_pins.c.digest).where(mcp_pins.c.server == server)
    )
    return Pinned(
        known=row.approved_at is not None,
        enabled=row.enabled,
        digests={pin.tool: pin.digest for pin in pins},
    )


def _put(connection: Connection, server: str, **values: object) -> None:
    connection.execute(
        upsert(mcp_servers)
        .values(name=server, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )
