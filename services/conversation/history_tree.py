"""The tree behind a conversation: which branch stands, and moving to another.

Invariant kept by every function: siblings have at most one active message among them, and the
active messages reached from the root form one chain that ends at the conversation's head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    insert,
    literal,
    select,
    update,
)

from services.domain.ids import ConversationId
from services.domain.messages import Message
from services.storage.tables import conversations, messages, parent_key, turns

Place = tuple[str | None, int]

_NEAR_HEAD = 64
_WHOLE_BRANCH = 2**31


def _upward(start: ColumnElement[str], *, most: ColumnElement[int]) -> CTE:
    """Walk from a message towards its root until ``most`` messages that still exist were met."""
    counted = case((messages.c.deleted_at.is_(None), 1), else_=0)
    walk = (
        select(messages.c.id, messages.c.parent_id, (most - counted).label("left"))
        .where(messages.c.id == start)
        .cte("walk", recursive=True)
    )
    return walk.union_all(
        select(messages.c.id, messages.c.parent_id, walk.c.left - counted)
        .join(walk, messages.c.id == walk.c.parent_id)
        .where(walk.c.left > 0)
    )


def _branch() -> Select[tuple[object, ...]]:
    walk = _upward(bindparam("tip"), most=bindparam("limit"))
    return (
        select(messages)
        .join(walk, messages.c.id == walk.c.id)
        .where(messages.c.deleted_at.is_(None))
        .order_by(messages.c.ordinal)
    )


def _exchange() -> Select[tuple[object, ...]]:
    walk = _upward(bindparam("tip"), most=bindparam("limit"))
    return (
        select(
            messages.c.id,
            messages.c.parent_id.label("parent"),
            messages.c.author_kind,
            (messages.c.author_platform + ":" + messages.c.author_user).label("author"),
            messages.c.turn_id.label("turn"),
            turns.c.kind.label("turn_kind"),
            turns.c.trigger_message_id.label("trigger"),
        )
        .join(walk, messages.c.id == walk.c.id)
        .outerjoin(turns, turns.c.id == messages.c.turn_id)
        .order_by(messages.c.ordinal.desc())
    )


def _below() -> Select[tuple[str]]:
    walk = (
        select(messages.c.id, messages.c.ordinal)
        .where(messages.c.id.in_(bindparam("ids", expanding=True)))
        .cte("below", recursive=True)
    )
    walk = walk.union_all(
        select(messages.c.id, messages.c.ordinal)
        .join(walk, messages.c.parent_id == walk.c.id)
        .where(messages.c.id != bindparam("but"))
    )
    return select(walk.c.id).order_by(walk.c.ordinal)


def _lowest() -> Select[tuple[str]]:
    walk = (
        select(messages.c.id, literal(0).label("depth"))
        .where(messages.c.id == bindparam("start"))
        .cte("descent", recursive=True)
    )
    walk = walk.union_all(
        select(messages.c.id, walk.c.depth + 1).where(
            messages.c.parent_id == walk.c.id, messages.c.active
        )
    )
    return select(walk.c.id).order_by(walk.c.depth.desc()).limit(1)


BRANCH = _branch()
EXCHANGE = _exchange()
_LOWEST = _lowest()
_BELOW = _below()
_WALK = _upward(bindparam("tip"), most=bindparam("limit"))
_IS_NEAR = select(_WALK.c.id).where(_WALK.c.id == bindparam("sought"))
_OFF_PATH = (
    select(messages.c.id, messages.c.parent_id)
    .join(_WALK, messages.c.id == _WALK.c.id)
    .where(~messages.c.active)
)
_PLACE = select(conversations.c.head_message_id, conversations.c.next_ordinal).where(
    conversations.c.id == bindparam("conversation")
)
_ADVANCE = (
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(
        head_message_id=bindparam("tip"),
        next_ordinal=bindparam("next"),
        last_activity_at=bindparam("at"),
    )
)
_MOVE = (
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(head_message_id=bindparam("tip"))
)
_DEACTIVATE_CHILD = (
    update(messages)
    .where(
        messages.c.conversation_id == bindparam("conversation"),
        parent_key == bindparam("parent"),
        messages.c.active,
    )
    .values(active=False)
)
_ACTIVATE = update(messages).where(messages.c.id == bindparam("message")).values(active=True)
_DEACTIVATE = update(messages).where(messages.c.id == bindparam("message")).values(active=False)
_STANDING = select(messages.c.id).where(
    messages.c.id.in_(bindparam("ids", expanding=True)), messages.c.active
)
_CHILD = select(messages.c.id, messages.c.deleted_at).where(
    messages.c.parent_id == bindparam("parent"), messages.c.active
)
_HANG = (
    update(messages)
    .where(messages.c.id == bindparam("message"))
    .values(parent_id=bindparam("parent"))
)
_RENUMBER = (
    update(messages)
    .where(messages.c.id == bindparam("message"))
    .values(ordinal=bindparam("ordinal"))
)
_USED = (
    update(conversations)
    .where(conversations.c.id == bindparam("conversation"))
    .values(next_ordinal=bindparam("next"))
)


def head(connection: Connection, conversation: ConversationId) -> str | None:
    """Return the last message of the active branch, if any."""
    row = connection.execute(_PLACE, {"conversation": str(conversation)}).one_or_none()
    return None if row is None else row[0]


def open_conversation(
    connection: Connection, conversation: ConversationId, *, at: datetime
) -> Place:
    """Return a conversation's head and next ordinal, creating it when new."""
    row = connection.execute(_PLACE, {"conversation": str(conversation)}).one_or_none()
    if row is not None:
        return (row[0], row[1])
    connection.execute(
        insert(conversations).values(
            id=str(conversation),
            platform=conversation.platform,
            scope=conversation.scope,
            channel=conversation.channel,
            created_at=at,
            last_activity_at=at,
            next_ordinal=1,
        )
    )
    return (None, 1)


def advance(connection: Connection, message: Message, *, ordinal: int) -> None:
    """Make a message that was just added the head and count its ordinal as used."""
    connection.execute(
        _ADVANCE,
        {
            "conversation": str(message.conversation),
            "tip": message.id,
            "next": ordinal + 1,
            "at": message.created_at,
        },
    )


def move_head(connection: Connection, conversation: ConversationId, tip: str | None) -> None:
    """Make ``tip`` the head."""
    connection.execute(_MOVE, {"conversation": str(conversation), "tip": tip})


def stand_at(connection: Connection, conversation: ConversationId, tip: str | None) -> None:
    """Make the way from the root to ``tip`` the active one, ending there; the head stays.

    ``None`` ends before the root.
    """
    if tip is not None and not _near_head(connection, conversation, tip):
        found = connection.execute(_OFF_PATH, {"tip": tip, "limit": _WHOLE_BRANCH})
        for message, parent in found.all():
            _deactivate_child(connection, conversation, parent)
            connection.execute(_ACTIVATE, {"message": message})
    _deactivate_child(connection, conversation, tip)


def beside(
    connection: Connection,
    conversation: ConversationId,
    parent: str | None,
    versions: Sequence[str],
) -> str | None:
    """Return what a new one of ``versions`` follows, which all follow ``parent``.

    What was said after the version that stands moves before all of them, so that it stays on the
    branch whichever stands. The versions, and what else was said after them, get new ordinals
    then, so that these still rise along every branch; none of the versions stands.
    """
    said = _said_after(connection, versions)
    if all(message.removed for message in said):
        return parent
    tip = said[-1].id
    below = connection.execute(_BELOW, {"ids": list(versions), "but": said[0].id}).scalars().all()
    for version in versions:
        connection.execute(_DEACTIVATE, {"message": version})
    connection.execute(_HANG, {"message": said[0].id, "parent": parent})
    for version in versions:
        connection.execute(_HANG, {"message": version, "parent": tip})
    _, ordinal = connection.execute(_PLACE, {"conversation": str(conversation)}).one()
    for number, message in enumerate(below, ordinal):
        connection.execute(_RENUMBER, {"message": message, "ordinal": number})
    connection.execute(_USED, {"conversation": str(conversation), "next": ordinal + len(below)})
    return tip


def activate(connection: Connection, message: str) -> None:
    """Mark a message whose siblings are all inactive."""
    connection.execute(_ACTIVATE, {"message": message})


def lowest(connection: Connection, start: str) -> str:
    """Follow the active children of ``start`` down to the last."""
    return str(connection.execute(_LOWEST, {"start": start}).scalar_one())


@dataclass(frozen=True, slots=True)
class _Following:
    id: str
    removed: bool


def _said_after(connection: Connection, versions: Sequence[str]) -> list[_Following]:
    """Return what stands below the one of ``versions`` that stands, from the top down."""
    above = connection.execute(_STANDING, {"ids": list(versions)}).scalar_one_or_none()
    found: list[_Following] = []
    while above is not None:
        row = connection.execute(_CHILD, {"parent": above}).one_or_none()
        if row is not None:
            found.append(_Following(row.id, row.deleted_at is not None))
        above = None if row is None else row.id
    return found


def _near_head(connection: Connection, conversation: ConversationId, sought: str) -> bool:
    values = {
        "tip": head(connection, conversation),
        "limit": _NEAR_HEAD,
        "sought": sought,
    }
    return connection.execute(_IS_NEAR, values).first() is not None


def _deactivate_child(
    connection: Connection, conversation: ConversationId, parent: str | None
) -> None:
    connection.execute(
        _DEACTIVATE_CHILD, {"conversation": str(conversation), "parent": parent or ""}
    )
