"""Stored turns: what was asked for, how far it came, how it ended and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from services.conversation.history import Anchor, History
from services.conversation.history_rows import Witnesses
from services.conversation.history_tree import open_conversation
from services.conversation.witnesses import witnesses_from_json
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId, ConversationId, IdSource, MessageId, PersonaId, TurnId
from services.domain.messages import HistoryEntry, Message, Modality, Source, TextPart
from services.domain.people import Author, AuthorKind
from services.domain.replies import InterruptReason, TurnBrief, TurnKind, Usage
from services.storage.database import Snapshot, Transaction
from services.storage.tables import messages, turns


class TurnState(StrEnum):
    """How far a turn has come."""

    OPEN = "open"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnding:
    """How a turn ended; ``reason`` is an ``InterruptReason`` or an error's code.

    ``why`` replaces what ``begin`` noted, unless it is ``None``.
    """

    state: TurnState
    at: datetime
    reason: str | None = None
    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    why: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredReply:
    """The message that holds what a turn delivered.

    ``alternative_of`` makes it another version of that message instead of the next one.
    """

    message: Message
    witnesses: Witnesses = frozenset()
    heard: str | None = None
    alternative_of: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """A turn as stored; ``delivered`` is the checkpoint of one that is still open."""

    id: TurnId
    conversation: ConversationId
    persona: PersonaId
    persona_name: str
    kind: TurnKind
    modality: Modality
    state: TurnState
    hop: int
    started_at: datetime
    trigger: MessageId | None = None
    alternative_of: MessageId | None = None
    reply: MessageId | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    delivered: str = ""
    sentences: int = 0
    model: str | None = None
    usage: Usage | None = None
    why: Mapping[str, object] = field(default_factory=dict)


_CHECKPOINT = (
    update(turns)
    .where(turns.c.id == bindparam("turn"), turns.c.state == TurnState.OPEN.value)
    .values(delivered=bindparam("text"), sentences=bindparam("count"))
)


class TurnStore:
    """Keeps turns inside the caller's transaction; a turn and its reply cannot disagree."""

    def __init__(self, history: History, ids: IdSource) -> None:
        self._history = history
        self._ids = ids

    async def begin(
        self,
        tx: Transaction,
        brief: TurnBrief,
        *,
        alternative_of: MessageId | None = None,
        why: Mapping[str, object] | None = None,
    ) -> None:
        """Store a turn as open, before anything of it is delivered.

        Its trigger must be recorded already. ``alternative_of`` is the message it regenerates.
        """

        def work(connection: Connection) -> None:
            open_conversation(connection, brief.conversation, at=brief.started_at)
            connection.execute(
                insert(turns).values(
                    id=brief.turn,
                    conversation_id=str(brief.conversation),
                    persona_id=brief.persona,
                    persona_name=brief.persona_name,
                    kind=brief.kind.value,
                    modality=brief.modality.value,
                    trigger_message_id=brief.trigger.id if brief.trigger else None,
                    alternative_of=alternative_of,
                    state=TurnState.OPEN.value,
                    hop=brief.hop,
                    started_at=brief.started_at,
                    delivered="",
                    sentences=0,
                    why=None if why is None else dict(why),
                )
            )

        await tx.run(work)

    async def checkpoint(
        self, tx: Transaction, turn: TurnId, *, delivered: str, sentences: int
    ) -> None:
        """Note all that has been delivered so far; the latest wins, an ended turn ignores it."""

        def work(connection: Connection) -> None:
            connection.execute(_CHECKPOINT, {"turn": turn, "text": delivered, "count": sentences})

        await tx.run(work)

    async def conclude(
        self,
        tx: Transaction,
        turn: TurnId,
        ending: TurnEnding,
        *,
        reply: DeliveredReply | None = None,
    ) -> HistoryEntry | None:
        """End an open turn and record its reply, if anything was delivered.

        The checkpoint is erased: the reply holds the text from now on. Raises ``InvalidRequest``
        when the turn has ended already, and then stores nothing.
        """

        values: dict[str, object] = {
            "state": ending.state.value,
            "reason": ending.reason,
            "ended_at": ending.at,
            "delivered": "",
            "model": ending.model,
            "usage": asdict(ending.usage),
        }
        if ending.why is not None:
            values["why"] = dict(ending.why)

        def work(connection: Connection) -> HistoryEntry | None:
            entry = None if reply is None else self._insert(connection, tx, turn, reply)
            if entry is not None:
                values["reply_message_id"] = entry.message.id
            changed = connection.execute(
                update(turns)
                .where(turns.c.id == turn, turns.c.state == TurnState.OPEN.value)
                .values(**values)
            )
            if not changed.rowcount:
                raise InvalidRequest("turn_ended", "That answer has ended already.")
            return entry

        return await tx.run(work)

    async def recover(self, tx: Transaction, *, at: datetime) -> list[TurnRecord]:
        """Interrupt the turns a crash left open and record what they had delivered.

        Nothing is kept of an answer whose question was removed after it had begun.

        Call it once at start, before new turns begin. Returns the turns as they stand afterwards,
        oldest first.
        """

        def left_open(connection: Connection) -> list[TurnRecord]:
            query = select(turns).where(turns.c.state == TurnState.OPEN.value).order_by(turns.c.id)
            return [_record(row) for row in connection.execute(query).mappings()]

        recovered = []
        for turn in await tx.run(left_open):
            ending = TurnEnding(
                state=TurnState.INTERRUPTED, at=at, reason=InterruptReason.CRASH.value
            )
            reply = await self._checkpointed(tx, turn, at=at) if turn.delivered.strip() else None
            entry = await self.conclude(tx, turn.id, ending, reply=reply)
            recovered.append(
                replace(
                    turn,
                    state=ending.state,
                    reason=ending.reason,
                    ended_at=at,
                    reply=None if entry is None else entry.message.id,
                )
            )
        return recovered

    async def get(self, snapshot: Snapshot, turn: TurnId) -> TurnRecord:
        """Return a turn; raises ``NotFound``."""

        def work(connection: Connection) -> TurnRecord | None:
            query = select(turns).where(turns.c.id == turn)
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else _record(row)

        found = await snapshot.run(work)
        if found is None:
            raise NotFound("turn_unknown", "There is no such answer.")
        return found

    async def why(self, snapshot: Snapshot, turn: TurnId) -> Mapping[str, object]:
        """Return the reasons noted for a turn; raises ``NotFound``."""
        return (await self.get(snapshot, turn)).why

    async def last(self, snapshot: Snapshot, conversation: ConversationId) -> TurnRecord | None:
        """Return the turn begun last in a conversation, however it ended."""

        def work(connection: Connection) -> TurnRecord | None:
            query = (
                select(turns)
                .where(turns.c.conversation_id == str(conversation))
                .order_by(turns.c.id.desc())
                .limit(1)
            )
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else _record(row)

        return await snapshot.run(work)

    def _insert(
        self, connection: Connection, tx: Transaction, turn: TurnId, reply: DeliveredReply
    ) -> HistoryEntry:
        parent: MessageId | Anchor | None = Anchor.HEAD
        if reply.alternative_of is not None:
            parent = self._history.beside(connection, reply.alternative_of)
        recorded = self._history.insert(
            connection,
            tx,
            reply.message,
            witnesses=reply.witnesses,
            parent=parent,
            turn=turn,
            heard=reply.heard,
        )
        return recorded.entry

    async def _checkpointed(
        self, tx: Transaction, turn: TurnRecord, *, at: datetime
    ) -> DeliveredReply | None:
        witnesses = witnesses_from_json(turn.why.get("witnesses"))
        if turn.trigger is not None:
            question = await self._history.entry(tx, turn.trigger)
            if question.deleted_at is not None and question.deleted_at >= turn.started_at:
                return None
            witnesses = question.witnesses
        author = await tx.run(_author_of, turn)
        message = Message(
            id=MessageId(self._ids.new()),
            conversation=turn.conversation,
            author=author,
            parts=(TextPart(text=turn.delivered),),
            created_at=at,
            reply_to=turn.trigger,
            modality=turn.modality,
            source=Source.PERSONA,
            hop=turn.hop,
        )
        return DeliveredReply(
            message=message, witnesses=witnesses, alternative_of=turn.alternative_of
        )


def _author_of(connection: Connection, turn: TurnRecord) -> Author:
    """Return the persona under the account it last spoke with in this conversation."""
    account = connection.execute(
        select(messages.c.author_platform, messages.c.author_user)
        .where(
            messages.c.conversation_id == str(turn.conversation),
            messages.c.persona_id == turn.persona,
        )
        .order_by(messages.c.ordinal.desc())
        .limit(1)
    ).one_or_none()
    return Author(
        id=AuthorId("persona", turn.persona) if account is None else AuthorId(*account),
        display_name=turn.persona_name,
        kind=AuthorKind.PERSONA,
        persona=turn.persona,
    )


def _record(row: RowMapping) -> TurnRecord:
    def optional(kind: Any, name: str) -> Any:  # noqa: ANN401
        return None if row[name] is None else kind(row[name])

    return TurnRecord(
        id=TurnId(row["id"]),
        conversation=ConversationId.parse(row["conversation_id"]),
        persona=PersonaId(row["persona_id"]),
        persona_name=row["persona_name"],
        kind=TurnKind(row["kind"]),
        modality=Modality(row["modality"]),
        state=TurnState(row["state"]),
        hop=row["hop"],
        started_at=row["started_at"],
        trigger=optional(MessageId, "trigger_message_id"),
        alternative_of=optional(MessageId, "alternative_of"),
        reply=optional(MessageId, "reply_message_id"),
        reason=row["reason"],
        ended_at=row["ended_at"],
        delivered=row["delivered"],
        sentences=row["sentences"],
        model=row["model"],
        usage=None if row["usage"] is None else Usage(**row["usage"]),
        why=row["why"] or {},
    )
