"""Which of the things said still stand in their conversation, after swipes, undos and branches."""

from __future__ import annotations

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    bindparam,
    or_,
    select,
    type_coerce,
    update,
)

from services.memory.scope import Kind
from services.storage.tables import messages, recollections, turns

_child = messages.alias("child")


def _standing() -> CTE:
    """Walk down the active messages of a conversation from those its branches begin with.

    A beginning that no longer stands but was answered was left by a reset: its branch is still
    recalled. One whose answer was undone is not.
    """
    undone = turns.alias("undone")
    taken_back = (
        select(undone.c.id)
        .where(
            undone.c.conversation_id == bindparam("conversation"),
            undone.c.state == "undone",
            or_(
                undone.c.trigger_message_id.in_([messages.c.id, _child.c.id]),
                undone.c.id == _child.c.turn_id,
            ),
        )
        .correlate(messages, _child)
        .exists()
    )
    left = select(_child.c.id).where(
        _child.c.parent_id == messages.c.id, _child.c.active, ~taken_back
    )
    walk = (
        select(messages.c.id)
        .where(
            messages.c.conversation_id == bindparam("conversation"),
            messages.c.parent_id.is_(None),
            or_(messages.c.active, left.exists()),
        )
        .cte("standing", recursive=True)
    )
    return walk.union_all(
        select(_child.c.id).join(walk, _child.c.parent_id == walk.c.id).where(_stands(_child))
    )


def _stands(said: FromClause) -> ColumnElement[bool]:
    # As a sum, so that SQLite does not index the whole table by it anew at every step.
    return type_coerce(said.c.active, Integer) + 0 == 1


_WALK = _standing()
_STANDS = recollections.c.ref.in_(select(_WALK.c.id))
_MOVED = select(recollections.c.id, recollections.c.active).where(
    recollections.c.conversation_id == bindparam("conversation"),
    recollections.c.kind == Kind.TURN.value,
    recollections.c.active != _STANDS,
)
_CONVERSATIONS = (
    select(recollections.c.conversation_id)
    .where(recollections.c.conversation_id.is_not(None))
    .distinct()
)


def conversations_indexed(connection: Connection) -> list[str]:
    """Return the conversations of which something can be recalled."""
    return [found for found in connection.execute(_CONVERSATIONS).scalars() if found]


def moved(connection: Connection, conversation: str) -> list[tuple[int, bool]]:
    """Return the rows marked wrongly, and how they should be."""
    rows = connection.execute(_MOVED, {"conversation": conversation})
    return [(row.id, not row.active) for row in rows]


def settle(connection: Connection, conversation: str) -> int:
    """Mark what was said as standing or not, and return how many marks changed."""
    changes = moved(connection, conversation)
    for row, active in changes:
        connection.execute(
            update(recollections).where(recollections.c.id == row).values(active=active)
        )
    return len(changes)
