"""What is known of people: stored statements with where they come from and how long they held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select

from services.domain.ids import IdSource
from services.memory.learning.contradictions import reopened, resolve
from services.memory.learning.fact import (
    Changes,
    Fact,
    Kept,
    Outcome,
    Party,
    Telling,
    fact_from,
)
from services.memory.learning.fact_rows import (
    fact_audience,
    facts_beside,
    facts_in,
    insert_fact,
    unindex,
    update_fact,
)
from services.memory.learning.rules.findings import Finding
from services.storage.tables import facts

_AT_ONCE = 400


class Facts:
    """Reads and writes facts inside the caller's transaction, on the database's thread.

    Give ``changes.dropped`` to the indexer after the commit, and wake it if there were ``any``.
    """

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def keep(
        self,
        connection: Connection,
        finding: Finding,
        told: Telling,
        *,
        changes: Changes,
        now: datetime,
        about: Party | None = None,
    ) -> Kept:
        """Store a finding, ending what it contradicts; what is known already is not stored again.

        Contradictions are settled by when things were said, whatever the order they are stored in.
        ``about`` is whom the finding names, by default the teller.
        """
        audience = fact_audience(connection, told)
        fact = fact_from(finding, told, id=self._ids.new(), audience=audience, about=about, now=now)
        found = resolve(
            fact,
            facts_beside(connection, fact),
            ends=finding.ends,
            replaces=finding.replaces,
        )
        ends = [each for each in found.changed if not each.standing]
        for each in ends:
            update_fact(connection, each, changes)
        if found.outcome is Outcome.ADDED:
            insert_fact(connection, found.fact, changes)
        elif found.outcome is Outcome.EARLIER:
            update_fact(connection, found.fact, changes)
        for each in found.changed[len(ends) :]:
            update_fact(connection, each, changes)
        return Kept(fact=found.fact.id, outcome=found.outcome)

    def load(
        self, connection: Connection, condition: ColumnElement[bool], *, limit: int | None = None
    ) -> list[Fact]:
        """Return the facts for which ``condition`` on ``facts`` holds, the latest said first."""
        query = (
            select(facts).where(condition).order_by(facts.c.valid_from.desc(), facts.c.id.desc())
        )
        return facts_in(connection, query if limit is None else query.limit(limit))

    def forget(self, connection: Connection, ids: Iterable[str], *, changes: Changes) -> int:
        """Delete facts and what finds them; returns how many there were.

        What they had ended holds again, unless something else ended it too.
        """
        gone = list(dict.fromkeys(ids))
        ended: dict[str, Fact] = {}
        count = 0
        for part in _portions(gone):
            by_them = facts.c.superseded_by.in_(part) & facts.c.id.not_in(part)
            ended |= {each.id: each for each in self.load(connection, by_them)}
            unindex(connection, part, changes)
            count += connection.execute(delete(facts).where(facts.c.id.in_(part))).rowcount
        for each in ended.values():
            if each.id not in gone:
                self._reopen(connection, each, changes)
        return count

    def retract(self, connection: Connection, messages: Iterable[str], *, changes: Changes) -> int:
        """Forget what was learnt from messages that were undone, removed or edited.

        Facts that were pinned or put right by hand stay.
        """
        found: list[str] = []
        for part in _portions(list(messages)):
            query = select(facts.c.id).where(facts.c.message_id.in_(part), ~facts.c.pinned)
            found += connection.execute(query).scalars().all()
        return self.forget(connection, found, changes=changes)

    def _reopen(self, connection: Connection, fact: Fact, changes: Changes) -> None:
        open_again = replace(fact, valid_to=None, superseded_by=None)
        beside = facts_beside(connection, fact)
        track = [open_again, *(each for each in beside if each.track == fact.track)]
        settled = {each.id: each for each in reopened(track)}
        settled.setdefault(fact.id, open_again)
        for each in sorted(settled.values(), key=lambda one: one.standing):
            update_fact(connection, each, changes)


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
