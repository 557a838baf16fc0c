"""Proposals of and about a person, and taking them away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select

from services.domain.ids import AuthorId
from services.profiles.tables import memory_proposals


class ProposalHolding:
    """What a person proposed and what waits for their yes; all of it goes with them."""

    name = "proposals"

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId], /
    ) -> Sequence[Mapping[str, object]]:
        """Return what the person proposed, and that others proposed something of them."""
        who = [str(one) for one in accounts]
        rows = memory_proposals
        made = select(rows.c.text, rows.c.about_name).where(
            rows.c.proposed_by.in_(who), rows.c.declined_at.is_(None)
        )
        asked = select(rows.c.text).where(rows.c.about.in_(who), rows.c.declined_at.is_(None))
        found: list[Mapping[str, object]] = [
            {"proposed": row[0], "of": row[1]} for row in connection.execute(made)
        ]
        return found + [{"waits_for_you": row[0]} for row in connection.execute(asked)]

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId], /) -> int:
        """Delete proposals by and about the person."""
        who = [str(one) for one in accounts]
        theirs = memory_proposals.c.about.in_(who) | memory_proposals.c.proposed_by.in_(who)
        return connection.execute(delete(memory_proposals).where(theirs)).rowcount

    def erase_place(self, connection: Connection, place: str, /) -> int:
        """Delete what was proposed in a place."""
        gone = delete(memory_proposals).where(memory_proposals.c.place == place)
        return connection.execute(gone).rowcount
