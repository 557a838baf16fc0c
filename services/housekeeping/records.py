"""Rows that have had their time: questions nobody answered, explanations nobody can ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

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
        async with self._database.reader() as snapshot:
            outdated = await snapshot.run(_outdated, before, self._kept)
        if not circumstances.rehearsal:
            for start in range(0, len(outdated), _BATCH):
                async with self._database.steps() as tx:
                    await tx.run(_erase, outdated[start : start + _BATCH])
        return ChoreReport(removed=len(outdated))


def _waiting(connection: Connection, at: datetime) -> int:
    query = select(func.count()).where(
        pending_actions.c.state == ActionState.PENDING.value, pending_actions.c.expires_at <= at
    )
    return int(connection.execute(query).scalar_one())


def _outdated(connection: Connection, before: datetime, kept: int) -> list[str]:
    newest_first = func.row_number().over(
        partition_by=turns.c.conversation_id, order_by=turns.c.id.desc()
    )
    placed = select(
        turns.c.id,
        turns.c.ended_at,
        turns.c.why.is_not(None).label("explained"),
        newest_first.label("place"),
    ).subquery()
    query = select(placed.c.id).where(
        placed.c.explained, placed.c.place > kept, placed.c.ended_at < before
    )
    return list(connection.execute(query).scalars())


def _erase(connection: Connection, ended: Sequence[str]) -> None:
    connection.execute(update(turns).where(turns.c.id.in_(ended)).values(why=None))
