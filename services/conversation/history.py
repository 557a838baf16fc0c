"""The stored history: a tree of messages per conversation, one branch of which stands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection, bindparam, delete, func, select, update

from services.conversation import history_tree as tree
from services.conversation.history_rows import (
    Rosters,
    Witnesses,
    delete_external_ids,
    insert_entry,
    insert_external_ids,
    load_entries,
    next_position,
    owners_of,
)
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ConversationId, MessageId, TurnId
from services.domain.messages import Alternatives, HistoryEntry, Message
from services.domain.people import AuthorKind
from services.domain.replies import TurnKind
from services.storage.database import Snapshot, Transaction
from services.storage.tables import attachments, external_ids, messages, turns

_OPENING_CHARACTERS = 80
_UNDO_REACH = 200

_ENTRY = select(messages).where(messages.c.id == bindparam("message"))
_KNOWN = (
    select(messages)
    .join(external_ids, external_ids.c.message_id == messages.c.id)
    .where(
        external_ids.c.platform == bindparam("platform"),
        external_ids.c.external_id.in_(bindparam("ids", expanding=True)),
    )
    .limit(1)
)


class Anchor(Enum):
    """Where a message goes when no parent is named."""

    HEAD = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a message: ``known`` when the platform had delivered it before."""

    entry: HistoryEntry
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo took off the branch, oldest first, and the turns it belonged to."""

    messages: tuple[MessageId, ...]
    turns: tuple[TurnId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """The end of a branch, with its first words; ``current`` is the conversation's head."""

    message: MessageId
    ordinal: int
    created_at: datetime
    opening: str
    current: bool


class History:
    """Reads and writes conversations inside the caller's transaction.

    Ordinals are never reused, whatever is undone or removed. Nothing but ``remove`` and ``edit``
    destroys text: messages off the branch stay stored.
    """

    def __init__(self) -> None:
        self._rosters = Rosters()

    async def record(
        self,
        tx: Transaction,
        message: Message,
        *,
        witnesses: Witnesses = frozenset(),
        parent: MessageId | Anchor | None = Anchor.HEAD,
        turn: TurnId | None = None,
        heard: str | None = None,
    ) -> Recorded:
        """Append a message after ``parent`` (``None`` starts a new root) and make it the head.

        One of whose external ids the platform used before is not stored again: the earlier entry
        comes back as ``known``. Words are kept as one text, before the attachments. Raises
        ``NotFound`` for an unknown parent.
        """

        return await tx.run(
            self.insert,
            tx,
            message,
            witnesses=witnesses,
            parent=parent,
            turn=turn,
            heard=heard,
        )

    def insert(
        self,
        connection: Connection,
        tx: Transaction,
        message: Message,
        *,
        witnesses: Witnesses = frozenset(),
        parent: MessageId | Anchor | None = Anchor.HEAD,
        turn: TurnId | None = None,
        heard: str | None = None,
    ) -> Recorded:
        """Do what ``record`` does, from inside a piece of work that changes more."""
        known = self._known(connection, message)
        if known is not None:
            return Recorded(entry=known, known=True)
        head, ordinal = tree.open_conversation(
            connection, message.conversation, at=message.created_at
        )
        after = head if isinstance(parent, Anchor) else parent
        if after != head:
            if after is not None:
                self._load(connection, MessageId(after), within=message.conversation)
            tree.stand_at(connection, message.conversation, after)
        entry = HistoryEntry(
            message=message,
            ordinal=ordinal,
            parent=None if after is None else MessageId(after),
            turn=turn,
            heard=heard,
            witnesses=witnesses,
        )
        roster = self._rosters.store(connection, message.conversation, witnesses)
        insert_entry(connection, entry, roster=roster)
        tree.advance(connection, message, ordinal=ordinal)
        if roster is not None:
            tx.on_commit(lambda: self._rosters.stored.keep(roster, witnesses))
        return Recorded(entry=entry)

    def refresh(self) -> None:
        """Read anew who was present from now on; for changes made past this class."""
        self._rosters.stored.clear()

    def beside(self, connection: Connection, message: MessageId) -> MessageId | None:
        """Return what another version of ``message`` is to follow; raises ``NotFound``.

        What was said while it was being made comes before all versions of a reply from then on.
        """
        entry = self._load(connection, message)
        if entry.message.author.kind is not AuthorKind.PERSONA:
            return entry.parent
        versions = [one.message.id for one in self._versions(connection, entry)]
        parent = tree.beside(connection, entry.message.conversation, entry.parent, versions)
        return None if parent is None else MessageId(parent)

    async def record_alternative(
        self,
        tx: Transaction,
        message: Message,
        *,
        of: MessageId,
        turn: TurnId | None = None,
        witnesses: Witnesses = frozenset(),
        heard: str | None = None,
    ) -> Recorded:
        """Store another version of ``of``, make it stand and the head; raises ``NotFound``."""
        original = await tx.run(self._load, of, within=message.conversation)
        return await self.record(
            tx, message, witnesses=witnesses, parent=original.parent, turn=turn, heard=heard
        )

    async def entry(self, snapshot: Snapshot, message: MessageId) -> HistoryEntry:
        """Return one message, on the branch or off it; raises ``NotFound``."""
        return await snapshot.run(self._load, message)

    async def by_external_id(
        self, snapshot: Snapshot, platform: str, external_id: str
    ) -> HistoryEntry | None:
        """Return the message a platform knows under this id."""

        def work(connection: Connection) -> HistoryEntry | None:
            return self._by_external_ids(connection, platform, [external_id])

        return await snapshot.run(work)

    async def head(self, snapshot: Snapshot, conversation: ConversationId) -> MessageId | None:
        """Return the last message of the branch that stands."""
        found = await snapshot.run(tree.head, conversation)
        return None if found is None else MessageId(found)

    async def recent(
        self, snapshot: Snapshot, conversation: ConversationId, *, limit: int
    ) -> list[HistoryEntry]:
        """Return the last messages of the branch that stands, oldest first, removed ones left out.

        Costs as much as ``limit``, not as the conversation's length.
        """

        def work(connection: Connection) -> list[HistoryEntry]:
            tip = tree.head(connection, conversation)
            if tip is None or limit < 1:
                return []
            rows = connection.execute(tree.BRANCH, {"tip": tip, "limit": limit})
            return load_entries(connection, rows.mappings().all(), self._rosters)

        return await snapshot.run(work)

    async def alternatives(self, snapshot: Snapshot, message: MessageId) -> Alternatives:
        """Return the versions of a message, itself included; raises ``NotFound``.

        Those are what the same persona said in the same place. ``active`` is -1 when none stands.
        """

        def work(connection: Connection) -> Alternatives:
            entries = self._versions(connection, self._load(connection, message))
            standing = [index for index, version in enumerate(entries) if version.active]
            return Alternatives(entries=entries, active=standing[0] if standing else -1)

        return await snapshot.run(work)

    async def activate(self, tx: Transaction, message: MessageId) -> HistoryEntry:
        """Make a version stand; the branch goes on below it as it did when it last stood.

        Returns the version itself; raises ``NotFound``.
        """

        def work(connection: Connection) -> HistoryEntry:
            entry = self._load(connection, message)
            conversation = entry.message.conversation
            tree.stand_at(connection, conversation, entry.parent)
            tree.activate(connection, message)
            tree.move_head(connection, conversation, tree.lowest(connection, message))
            return self._load(connection, message)

        return await tx.run(work)

    async def branch(self, tx: Transaction, conversation: ConversationId, at: MessageId) -> None:
        """Go back to ``at``: the next message follows it; raises ``NotFound``."""

        def work(connection: Connection) -> None:
            self._load(connection, at, within=conversation)
            self._go_to(connection, conversation, at)

        await tx.run(work)

    async def reset(self, tx: Transaction, conversation: ConversationId) -> None:
        """Start afresh: the next message is a new root."""
        await tx.run(self._go_to, conversation, None)

    async def undo_turn(self, tx: Transaction, conversation: ConversationId) -> Undone:
        """Take the last exchange off the branch: the last replies and what they answered.

        That is the message that triggered the first of them and its author's messages directly
        before it. What a persona said unasked goes alone; without a reply, the last author's
        unanswered messages go. Raises ``NotFound`` when the branch is empty.
        """

        def work(connection: Connection) -> Undone:
            tip = tree.head(connection, conversation)
            if tip is None:
                raise NotFound("nothing_to_undo", "There is nothing to undo here.")
            rows = connection.execute(tree.EXCHANGE, {"tip": tip, "limit": _UNDO_REACH})
            branch = [_Said(**row) for row in rows.mappings()]
            taken = branch[: _length_of_exchange(branch)]
            self._go_to(connection, conversation, taken[-1].parent)
            ended = tuple(dict.fromkeys(said.turn for said in reversed(taken) if said.turn))
            connection.execute(update(turns).where(turns.c.id.in_(ended)).values(state="undone"))
            return Undone(messages=tuple(said.id for said in reversed(taken)), turns=ended)

        return await tx.run(work)

    async def leaves(
        self, snapshot: Snapshot, conversation: ConversationId, *, limit: int = 20
    ) -> list[Leaf]:
        """Return the newest ends of branches, newest first."""

        def work(connection: Connection) -> list[Leaf]:
            tip = tree.head(connection, conversation)
            child = messages.alias()
            words = func.coalesce(messages.c.heard, messages.c.written)
            rows = connection.execute(
                select(
                    messages.c.id,
                    messages.c.ordinal,
                    messages.c.created_at,
                    func.substr(words, 1, _OPENING_CHARACTERS),
                )
                .where(
                    messages.c.conversation_id == str(conversation),
                    ~select(child.c.id).where(child.c.parent_id == messages.c.id).exists(),
                )
                .order_by(messages.c.ordinal.desc())
                .limit(limit)
            )
            return [
                Leaf(
                    message=MessageId(row[0]),
                    ordinal=row[1],
                    created_at=row[2],
                    opening=row[3],
                    current=row[0] == tip,
                )
                for row in rows
            ]

        return await snapshot.run(work)

    async def edit(
        self, tx: Transaction, message: MessageId, text: str, *, at: datetime
    ) -> HistoryEntry:
        """Replace a message's words, written and heard; raises ``NotFound`` when removed."""

        def work(connection: Connection) -> HistoryEntry:
            self._load_existing(connection, message)
            self._change(connection, message, written=text, heard=None, edited_at=at)
            return self._load(connection, message)

        return await tx.run(work)

    async def set_heard(self, tx: Transaction, message: MessageId, heard: str) -> HistoryEntry:
        """Note what was really heard of a spoken message; raises ``NotFound`` when removed."""

        def work(connection: Connection) -> HistoryEntry:
            self._load_existing(connection, message)
            self._change(connection, message, heard=heard)
            return self._load(connection, message)

        return await tx.run(work)

    async def remove(self, tx: Transaction, message: MessageId, *, at: datetime) -> HistoryEntry:
        """Erase a message's words and attachments; its place stays. Raises ``NotFound``."""

        def work(connection: Connection) -> HistoryEntry:
            self._load(connection, message)
            self._change(connection, message, written="", heard=None, deleted_at=at)
            connection.execute(delete(attachments).where(attachments.c.message_id == message))
            return self._load(connection, message)

        return await tx.run(work)

    async def add_external_ids(
        self, tx: Transaction, message: MessageId, ids: Sequence[str]
    ) -> None:
        """Note a platform's ids of a message after those it has; repeating some is harmless.

        An id of another version of it stays there. Raises ``NotFound``, or ``InvalidRequest`` when
        a message that is no version of it has one of them.
        """

        def work(connection: Connection) -> None:
            entry = self._load(connection, message)
            conversation = entry.message.conversation
            owners = owners_of(connection, conversation.platform, ids)
            if set(owners.values()) - {message}:
                versions = {one.message.id for one in self._versions(connection, entry)}
                if set(owners.values()) - versions:
                    raise InvalidRequest(
                        "external_id_taken", "That message is known under another number already."
                    )
            new = [identity for identity in dict.fromkeys(ids) if identity not in owners]
            if new:
                start = next_position(connection, message)
                insert_external_ids(connection, message, conversation, new, start=start)

        await tx.run(work)

    async def drop_external_ids(self, tx: Transaction, platform: str, ids: Sequence[str]) -> None:
        """Forget under which of these ids a platform knows messages."""
        await tx.run(delete_external_ids, platform, ids)

    def _versions(self, connection: Connection, entry: HistoryEntry) -> list[HistoryEntry]:
        author = entry.message.author
        if author.kind is not AuthorKind.PERSONA:
            return [entry]
        same = (
            messages.c.author_user == author.id.user
            if author.persona is None
            else messages.c.persona_id == author.persona
        )
        rows = connection.execute(
            select(messages)
            .where(
                messages.c.conversation_id == str(entry.message.conversation),
                messages.c.parent_id.is_(None)
                if entry.parent is None
                else messages.c.parent_id == entry.parent,
                messages.c.author_kind == AuthorKind.PERSONA.value,
                same,
            )
            .order_by(messages.c.ordinal)
        )
        return load_entries(connection, rows.mappings().all(), self._rosters)

    def _known(self, connection: Connection, message: Message) -> HistoryEntry | None:
        if not message.external_ids:
            return None
        platform = message.conversation.platform
        return self._by_external_ids(connection, platform, message.external_ids)

    def _by_external_ids(
        self, connection: Connection, platform: str, ids: Sequence[str]
    ) -> HistoryEntry | None:
        rows = connection.execute(_KNOWN, {"platform": platform, "ids": list(ids)})
        found = load_entries(connection, rows.mappings().all(), self._rosters)
        return found[0] if found else None

    def _load(
        self, connection: Connection, message: MessageId, *, within: ConversationId | None = None
    ) -> HistoryEntry:
        rows = connection.execute(_ENTRY, {"message": message}).mappings().all()
        found = load_entries(connection, rows, self._rosters)
        if not found or (within is not None and found[0].message.conversation != within):
            raise NotFound("message_unknown", "That message is not in this conversation.")
        return found[0]

    def _load_existing(self, connection: Connection, message: MessageId) -> HistoryEntry:
        entry = self._load(connection, message)
        if entry.deleted_at is not None:
            raise NotFound("message_removed", "That message has been removed.")
        return entry

    def _go_to(
        self, connection: Connection, conversation: ConversationId, tip: MessageId | None
    ) -> None:
        tree.stand_at(connection, conversation, tip)
        tree.move_head(connection, conversation, tip)

    def _change(self, connection: Connection, message: MessageId, **values: object) -> None:
        connection.execute(update(messages).where(messages.c.id == message).values(**values))


@dataclass(frozen=True, slots=True)
class _Said:
    """A message as an undo sees it."""

    id: MessageId
    parent: MessageId | None
    author_kind: str
    author: str
    turn: TurnId | None
    turn_kind: str | None
    trigger: MessageId | None

    @property
    def answers(self) -> bool:
        return self.author_kind == AuthorKind.PERSONA


def _length_of_exchange(branch: Sequence[_Said]) -> int:
    """Count the messages of the last exchange in a branch given newest first."""
    end = 0
    trigger: MessageId | None = None
    for said in branch:
        if not said.answers:
            break
        end += 1
        trigger = said.trigger
        if said.turn_kind == TurnKind.INITIATIVE:
            return end
    asked = list(itertools.takewhile(lambda said: not said.answers, branch[end:]))
    if not asked:
        return end
    cause = end
    if trigger is not None:
        found = [index for index, said in enumerate(asked, end) if said.id == trigger]
        if not found:
            return end
        cause = found[0]
    while cause + 1 < len(branch) and _continues(branch[cause], branch[cause + 1]):
        cause += 1
    return cause + 1


def _continues(later: _Said, earlier: _Said) -> bool:
    return not earlier.answers and earlier.author == later.author
