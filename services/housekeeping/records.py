"""Rows that have had their time: questions nobody answered, explanations nobody can ask for."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from services.conversation.actions import ActionState, PendingActions
from services.housekeeping.chore import ChoreReport, Round
from services.storage.database import Database
from services.storage.tables import pending_actions, turns

_EXPLAINED = timedelta(days=30)
_BATCH = 500


class ExpiredActions:
    """Questions whether a tool may run whose time has passed."""

    name = "actions"

    def __init__(self, database: Database, actions: PendingActions) -> None:
        self._database = database
        self._actions = actions

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Close them."""
        at = circumstances.as_of
        if circumstances.rehearsal:
            async with self._database.reader() as snapshot:
                return ChoreReport(removed=await snapshot.run(_waiting, at))
        async with self._database.steps() as tx:
            return ChoreReport(removed=len(await self._actions.expire(tx, at=at)))


class OldExplanations:
    """Why a turn went as it did, after 30 days and ``kept`` later turns of its conversation."""

    name = "explanations"

    def __init__(self, database: Database, *, kept: int) -> None:
        self._database = database
        self._kept = kept

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Erase them, some hundred at a time so that nobody waits."""
        before = circumstances.as_of - _EXPLAINED
        if circumstances.rehearsal:
            async with self._database.reader() as snapshot:
                return ChoreReport(removed=await snapshot.run(_outdated, before, self._kept))
        removed = 0
        while True:
            async with self._database.steps() as tx:
                erased = await tx.run(_erase, before, self._kept)
            removed += erased
            if erased < _BATCH:
                return ChoreReport(removed=removed)


def _waiting(connection: Connection, at: datetime) -> int:
    query = select(func.count()).where(
        pending_actions.c.state == ActionState.PENDING.value, pending_actions.c.expires_at <= at
    )
    return int(connection.execute(query).scalar_one())


def _old(before: datetime, kept: int) -> ColumnElement[bool]:
    later = turns.alias("later")
    oldest_kept = (
        select(later.c.id)
        .where(later.c.conversation_id == turns.c.conversation_id)
        .order_by(later.c.id.desc())
        .limit(1)
        .offset(kept)
        .scalar_subquery()
    )
    return turns.c.why.is_not(None) & (turns.c.ended_at < before) & (turns.c.id <= oldest_kept)


def _outdated(connection: Connection, before: datetime, kept: int) -> int:
    query = select(func.count()).select_from(turns).where(_old(before, kept))
    return int(connection.execute(query).scalar_one())


def _erase(connection: Connection, before: datetime, kept: int) -> int:
    batch = select(turns.c.id).where(_old(before, kept)).limit(_BATCH)
    return connection.execute(update(turns).where(turns.c.id.in_(batch)).values(why=None)).rowcount
