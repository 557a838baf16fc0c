"""What a character knows of the person it answers: facts, and how close they are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select, text

from services.memory.learning.affection import Affections, Stage
from services.memory.learning.fact import Fact
from services.memory.learning.fact_rows import facts_in
from services.memory.learning.rules.findings import FactKind
from services.memory.recall.words import any_of, terms
from services.memory.scope import Kind, Reach, Viewer, allowed, kept_inside, recall_refused
from services.storage.database import Database
from services.storage.tables import audiences, facts

_LOOKED_AT = 500
_FIRST = (FactKind.NAME, FactKind.RELATIONSHIP)

_FITTING = text(
    "SELECT r.ref FROM recollection_words w JOIN recollections r ON r.id = w.rowid "
    "WHERE recollection_words MATCH :match AND r.kind = 'fact' AND r.audience_id IN :groups "
    "ORDER BY bm25(recollection_words), r.id LIMIT :limit"
).bindparams(bindparam("groups", expanding=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquaintance:
    """Facts that hold, the most fitting first, and the stage of affection."""

    facts: tuple[Fact, ...] = ()
    stage: Stage = Stage.STRANGER


class Acquaintances:
    """Tells what a viewer's person told the viewer's character, as far as it may be recalled."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._affections = Affections()

    async def recall(self, viewer: Viewer, question: str, *, limit: int) -> Acquaintance:
        """Return up to ``limit`` facts: pinned ones, then what fits, names, and the newest."""
        if viewer.person is None:
            return Acquaintance()
        async with self._database.reader() as snapshot:
            return await snapshot.run(self._recall, viewer, question, limit)

    def _recall(
        self, connection: Connection, viewer: Viewer, question: str, limit: int
    ) -> Acquaintance:
        if viewer.person is None:
            return Acquaintance()
        found = facts_in(
            connection,
            select(facts)
            .join(audiences, audiences.c.id == facts.c.audience_id)
            .where(allowed(viewer, Kind.FACT), facts.c.valid_to.is_(None), _tellable(viewer))
            .order_by(facts.c.pinned.desc(), facts.c.valid_from.desc(), facts.c.id.desc())
            .limit(_LOOKED_AT),
        )
        fitting = _fitting(connection, question, {fact.audience for fact in found})
        found.sort(key=lambda fact: _place(fact, fitting))
        affection = self._affections.get(connection, viewer.person, viewer.persona)
        return Acquaintance(facts=tuple(found[:limit]), stage=affection.stage)


def _tellable(viewer: Viewer) -> ColumnElement[bool]:
    here = facts.c.conversation_id == str(viewer.conversation)
    inside = here
    if viewer.reach is not Reach.HERE:
        inside = or_(here, ~kept_inside(facts.c.conversation_id, audiences.c.place))
    return and_(inside, ~recall_refused(facts.c.teller_id))


def _fitting(connection: Connection, question: str, groups: set[int]) -> dict[str, int]:
    match = any_of(terms(question))
    if not match or not groups:
        return {}
    rows = connection.execute(
        _FITTING, {"match": match, "groups": sorted(groups), "limit": _LOOKED_AT}
    )
    return {ref: rank for rank, ref in enumerate(rows.scalars())}


def _place(fact: Fact, fitting: dict[str, int]) -> tuple[int, int]:
    if fact.pinned:
        return 0, 0
    if fact.id in fitting:
        return 1, fitting[fact.id]
    return (2 if fact.kind in _FIRST else 3), 0
