"""Tool calls that wait for a person's yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, select, update

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ActionId, AuthorId, ConversationId, PersonaId, TurnId
from services.storage.database import Snapshot, Transaction
from services.storage.tables import pending_actions


class ActionState(StrEnum):
    """How far a confirmation has come."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAction:
    """A tool call with exact arguments, and the question a person was asked about it.

    Nobody asked for it when ``requested_by`` is ``None``: the persona acts on its own.
    """

    id: ActionId
    turn: TurnId
    conversation: ConversationId
    persona: PersonaId
    tool: str
    arguments: Mapping[str, object]
    question: str
    created_at: datetime
    expires_at: datetime
    requested_by: AuthorId | None = None
    state: ActionState = ActionState.PENDING
    decided_by: AuthorId | None = None
    decided_at: datetime | None = None


class PendingActions:
    """Keeps actions inside the caller's transaction; each is decided once."""

    async def create(self, tx: Transaction, action: PendingAction) -> None:
        """Store an action; its conversation must be known."""

        def work(connection: Connection) -> None:
            connection.execute(
                insert(pending_actions).values(
                    id=action.id,
                    turn_id=action.turn,
                    conversation_id=str(action.conversation),
                    persona_id=action.persona,
                    requested_by=None if action.requested_by is None else str(action.requested_by),
                    tool=action.tool,
                    arguments=dict(action.arguments),
                    question=action.question,
                    state=action.state.value,
                    created_at=action.created_at,
                    expires_at=action.expires_at,
                )
            )

        await tx.run(work)

    async def get(self, snapshot: Snapshot, action: ActionId) -> PendingAction:
        """Return an action; raises ``NotFound``."""
        return await snapshot.run(_load, action)

    async def decide(
        self, tx: Transaction, action: ActionId, *, approve: bool, by: AuthorId, at: datetime
    ) -> PendingAction:
        """Approve or decline a pending action; exactly one decision ever succeeds.

        Raises ``NotFound``, or ``InvalidRequest`` when it is decided or its time has passed.
        Whether ``by`` may decide is the caller's question.
        """

        def work(connection: Connection) -> PendingAction:
            state = ActionState.APPROVED if approve else ActionState.DECLINED
            changed = connection.execute(
                update(pending_actions)
                .where(
                    pending_actions.c.id == action,
                    pending_actions.c.state == ActionState.PENDING.value,
                    pending_actions.c.expires_at > at,
                )
                .values(state=state.value, decided_by=str(by), decided_at=at)
            )
            found = _load(connection, action)
            if changed.rowcount:
                return found
            if found.state in (ActionState.PENDING, ActionState.EXPIRED):
                raise InvalidRequest("action_expired", "That question has expired; ask again.")
            raise InvalidRequest("action_decided", "That question has been answered already.")

        return await tx.run(work)

    async def finish(self, tx: Transaction, action: ActionId, *, failed: bool = False) -> None:
        """Note that an approved action has run; raises ``InvalidRequest`` for any other."""

        def work(connection: Connection) -> None:
            state = ActionState.FAILED if failed else ActionState.DONE
            changed = connection.execute(
                update(pending_actions)
                .where(
                    pending_actions.c.id == action,
                    pending_actions.c.state == ActionState.APPROVED.value,
                )
                .values(state=state.value)
            )
            if not changed.rowcount:
                raise InvalidRequest("action_not_approved", "That action was not approved.")

        await tx.run(work)

    async def expire(self, tx: Transaction, *, at: datetime) -> list[ActionId]:
        """Close the pending actions whose time has passed and return them, oldest first."""

        def work(connection: Connection) -> list[ActionId]:
            expired = connection.execute(
                update(pending_actions)
                .where(
                    pending_actions.c.state == ActionState.PENDING.value,
                    pending_actions.c.expires_at <= at,
                )
                .values(state=ActionState.EXPIRED.value)
                .returning(pending_actions.c.id)
            )
            return sorted(ActionId(row[0]) for row in expired)

        return await tx.run(work)


def _load(connection: Connection, action: ActionId) -> PendingAction:
    query = select(pending_actions).where(pending_actions.c.id == action)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("action_unknown", "There is no such question.")
    return _action(row)


def _action(row: RowMapping) -> PendingAction:
    def account(name: str) -> AuthorId | None:
        return None if row[name] is None else AuthorId.parse(row[name])

    return PendingAction(
        id=ActionId(row["id"]),
        turn=TurnId(row["turn_id"]),
        conversation=ConversationId.parse(row["conversation_id"]),
        persona=PersonaId(row["persona_id"]),
        tool=row["tool"],
        arguments=row["arguments"],
        question=row["question"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        requested_by=account("requested_by"),
        state=ActionState(row["state"]),
        decided_by=account("decided_by"),
        decided_at=row["decided_at"],
    )
