"""What conversations leave behind: messages, turns and their replies, never disagreeing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.conversation.actions import PendingAction, PendingActions
from services.conversation.history import History
from services.conversation.history_rows import Witnesses
from services.conversation.inbound import Inbound
from services.conversation.kept_messages import KeptMessages
from services.conversation.turn import Turn
from services.conversation.turns import DeliveredReply, TurnEnding, TurnRecord, TurnState, TurnStore
from services.conversation.witnesses import witnesses_as_json
from services.domain.calls import ToolCall
from services.domain.clock import Clock
from services.domain.errors import NotFound
from services.domain.ids import ActionId, AuthorId, ConversationId, IdSource, MessageId, TurnId
from services.domain.messages import BlobPart, HistoryEntry, Message, Source, TextPart
from services.domain.people import Author, AuthorKind
from services.domain.replies import (
    InterruptReason,
    Reply,
    Terminal,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    Usage,
)
from services.people.repository import PeopleRepository
from services.persona.character import Persona
from services.storage.database import Database


@dataclass(frozen=True, slots=True)
class Failure:
    """A stable code and one sentence for people."""

    code: str
    user_message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a turn ended: with ``written`` shown and, if spoken, ``heard`` heard of it.

    ``parts`` are the pictures and files that went with it.
    """

    written: str
    heard: str | None = None
    parts: tuple[BlobPart, ...] = ()
    usage: Usage = field(default_factory=Usage)
    interrupted: InterruptReason | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class TurnResult:
    """The terminal event, and the stored reply if anything was delivered."""

    terminal: Terminal
    entry: HistoryEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A stored question whether a tool may run."""

    action: ActionId
    tool: str
    arguments: Mapping[str, object]
    question: str


class Ledger:
    """Stores what the pipeline decides, one transaction per decision.

    ``messages`` looks up and changes single messages.
    """

    def __init__(
        self,
        *,
        database: Database,
        history: History,
        turns: TurnStore,
        actions: PendingActions,
        people: PeopleRepository,
        clock: Clock,
        ids: IdSource,
        pending_action_hours: float,
    ) -> None:
        self._database = database
        self._history = history
        self._turns = turns
        self._actions = actions
        self._people = people
        self._clock = clock
        self._ids = ids
        self._patience = timedelta(hours=pending_action_hours)
        self.messages = KeptMessages(database=database, history=history, turns=turns, clock=clock)

    async def recover(self) -> int:
        """Close the turns a crash left open, keeping what they had shown; return how many."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recovered = await self._turns.recover(tx, at=now)
            await self._actions.expire(tx, at=now)
        return len(recovered)

    async def record(self, inbound: Inbound) -> HistoryEntry:
        """Store a message, its author and who was there.

        A message the platform delivered before comes back as it was first stored.
        """
        async with self._database.steps() as tx:
            person = await self._people.ensure(tx, inbound.message.author, at=self._clock.now())
            message = replace(
                inbound.message, author=replace(inbound.message.author, person=person)
            )
            witnesses = inbound.witnesses | {message.author.id}
            return (await self._history.record(tx, message, witnesses=witnesses)).entry

    async def recent(self, conversation: ConversationId, limit: int) -> list[HistoryEntry]:
        """Return the newest entries of the active branch, oldest first."""
        async with self._database.reader() as snapshot:
            return await self._history.recent(snapshot, conversation, limit=limit)

    async def open(self, turn: Turn) -> None:
        """Store ``turn`` as open."""
        original = turn.alternative_of.message.id if turn.alternative_of else None
        heard_by = witnesses_as_json(turn.witnesses) if turn.brief.trigger is None else None
        async with self._database.steps() as tx:
            await self._turns.begin(
                tx,
                turn.brief,
                alternative_of=original,
                why=None if heard_by is None else {"witnesses": heard_by},
            )

    async def checkpoint(self, turn: Turn, delivered: str, sentences: int) -> None:
        """Note what has been delivered so far, so that a crash cannot lose it."""
        async with self._database.steps() as tx:
            await self._turns.checkpoint(
                tx, turn.brief.turn, delivered=delivered, sentences=sentences
            )

    async def propose(self, turn: Turn, call: ToolCall) -> Confirmation:
        """Store a tool call that waits for a person's yes."""
        listed = ", ".join(f"{_argument(key)}={value!r}" for key, value in call.arguments.items())
        question = f"May I use {call.name}({listed})?"
        now = self._clock.now()
        action = PendingAction(
            id=ActionId(self._ids.new()),
            turn=turn.brief.turn,
            conversation=turn.brief.conversation,
            persona=turn.persona.id,
            tool=call.name,
            arguments=dict(call.arguments),
            question=question,
            created_at=now,
            expires_at=now + self._patience,
            requested_by=turn.asker.id if turn.asker else None,
        )
        async with self._database.steps() as tx:
            await self._actions.create(tx, action)
        return Confirmation(
            action=action.id, tool=call.name, arguments=action.arguments, question=question
        )

    async def pending(self, action: ActionId) -> PendingAction:
        """Return a stored question. Raises ``NotFound``."""
        async with self._database.reader() as snapshot:
            return await self._actions.get(snapshot, action)

    async def settle(self, action: ActionId, *, approve: bool, by: AuthorId) -> PendingAction:
        """Decide a stored question, once. Raises ``InvalidRequest`` when it was or expired."""
        async with self._database.steps() as tx:
            return await self._actions.decide(
                tx, action, approve=approve, by=by, at=self._clock.now()
            )

    async def finish_action(self, action: ActionId, *, failed: bool) -> None:
        """Note that an approved action has run."""
        async with self._database.steps() as tx:
            await self._actions.finish(tx, action, failed=failed)

    async def commit(self, turn: Turn, ending: Ending) -> TurnResult:
        """Store how ``turn`` ended together with its reply; return the terminal event.

        A reply is stored when anything was delivered, unless the turn was withdrawn. Raises
        ``StorageError``.
        """
        if turn.withdrawn and ending.interrupted is not None:
            ending = replace(ending, written="", heard=None, parts=())
        if turn.extends is not None and ending.written.strip():
            return await self._extend(turn, turn.extends, ending)
        reply = self._reply(turn, ending) if ending.written.strip() or ending.parts else None
        stored = self._ended(turn, ending)
        async with self._database.steps() as step:
            entry = await self._turns.conclude(step, turn.brief.turn, stored, reply=reply)
        return TurnResult(_terminal(turn, ending, entry), entry)

    async def _extend(self, turn: Turn, reply: HistoryEntry, ending: Ending) -> TurnResult:
        """Let ``reply`` go on; one that was removed meanwhile stays so."""
        entry: HistoryEntry | None = None
        text = _joined(reply.message.text, ending.written)
        async with self._database.transaction() as tx:
            try:
                entry = await self._history.edit(tx, reply.message.id, text, at=self._clock.now())
            except NotFound as error:
                failure = Failure(error.code, error.user_message)
                ending = replace(ending, written="", heard=None, failure=failure)
            await self._turns.conclude(tx, turn.brief.turn, self._ended(turn, ending))
        return TurnResult(_terminal(turn, ending, entry), entry)

    def _ended(self, turn: Turn, ending: Ending) -> TurnEnding:
        state, reason = _state(ending)
        why = dict(turn.explanation)
        model = why.get("model")
        return TurnEnding(
            state=state,
            at=self._clock.now(),
            reason=reason,
            model=str(model) if model else None,
            usage=ending.usage,
            why=why,
        )

    async def account(self, conversation: ConversationId, turn: TurnId | None) -> TurnRecord | None:
        """Return a turn of this conversation, by default its last. Raises ``NotFound``."""
        async with self._database.reader() as snapshot:
            if turn is None:
                return await self._turns.last(snapshot, conversation)
            record = await self._turns.get(snapshot, turn)
        if record.conversation != conversation:
            raise NotFound("turn_unknown", "There is no such answer here.")
        return record

    async def say(
        self,
        conversation: ConversationId,
        persona: Persona,
        text: str,
        *,
        witnesses: Witnesses,
        alternative_of: MessageId | None = None,
    ) -> HistoryEntry:
        """Store something a persona says without having been asked a model, such as a greeting.

        ``alternative_of`` makes it another version of that message.
        """
        message = Message(
            id=MessageId(self._ids.new()),
            conversation=conversation,
            author=persona_author(persona),
            parts=(TextPart(text=text),),
            created_at=self._clock.now(),
            source=Source.PERSONA,
        )
        async with self._database.steps() as tx:
            if alternative_of is None:
                recorded = await self._history.record(tx, message, witnesses=witnesses)
            else:
                recorded = await self._history.record_alternative(
                    tx, message, of=alternative_of, witnesses=witnesses
                )
        return recorded.entry

    def _reply(self, turn: Turn, ending: Ending) -> DeliveredReply:
        heard = ending.heard
        if heard is not None and ending.interrupted is not None:
            heard = f"{heard.rstrip()}—"
        message = Message(
            id=MessageId(self._ids.new()),
            conversation=turn.brief.conversation,
            author=persona_author(turn.persona),
            parts=(TextPart(text=ending.written), *ending.parts),
            created_at=self._clock.now(),
            reply_to=turn.reply_to,
            modality=turn.brief.modality,
            source=Source.PERSONA,
            hop=turn.brief.hop,
        )
        return DeliveredReply(
            message=message,
            witnesses=turn.witnesses,
            heard=heard,
            alternative_of=turn.alternative_of.message.id if turn.alternative_of else None,
        )


def persona_author(persona: Persona) -> Author:
    """Return ``persona`` as the author of its own words."""
    return Author(
        id=AuthorId("persona", persona.id),
        display_name=persona.name,
        kind=AuthorKind.PERSONA,
        persona=persona.id,
    )


def _argument(name: str) -> str:
    """Return an argument's name so that nothing in it looks like more than a name."""
    return name if name.isidentifier() else repr(name)


def _joined(text: str, more: str) -> str:
    """Return a reply and its continuation, with a space where neither brings one."""
    gap = text[-1:].isspace() or more[:1].isspace() or not more[:1].isalnum()
    return text + more if gap else f"{text} {more}"


def _state(ending: Ending) -> tuple[TurnState, str | None]:
    if ending.interrupted is not None:
        return TurnState.INTERRUPTED, ending.interrupted.value
    if ending.failure is not None:
        return TurnState.FAILED, ending.failure.code
    return TurnState.FINISHED, None


def _terminal(turn: Turn, ending: Ending, entry: HistoryEntry | None) -> Terminal:
    reply = None
    if entry is not None:
        reply = Reply(
            message=entry.message.id,
            persona=turn.persona.id,
            text=entry.message.text,
            ordinal=entry.ordinal,
        )
    if ending.interrupted is not None:
        return TurnInterrupted(
            turn=turn.brief.turn,
            reason=ending.interrupted,
            delivered=ending.written,
            reply=reply,
        )
    if ending.failure is not None or reply is None:
        failure = ending.failure or Failure("empty_reply", "There was nothing to say; try again.")
        return TurnFailed(
            turn=turn.brief.turn,
            code=failure.code,
            user_message=failure.user_message,
            delivered=ending.written,
            reply=reply,
        )
    return TurnFinished(turn=turn.brief.turn, reply=reply, usage=ending.usage)
