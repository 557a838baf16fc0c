"""Forgetting by age: messages older than their place keeps them lose their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update

from services.domain.ids import ConversationId
from services.memory.forgetting import erasing_rows as erasing
from services.memory.forgetting import rows as rows
from services.memory.recollections import Dropped, Vectorizer, remove
from services.memory.scope import Kind
from services.storage.blobs import BlobStore
from services.storage.database import Database
from services.storage.tables import conversations, facts, messages

_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """What the oldest messages of a place left behind: rows without vectors, files."""

    messages: int
    dropped: Sequence[Dropped]
    blobs: Sequence[str]


class Retention:
    """Erases the words of old messages, with attachments, summaries and explanations.

    The message keeps its place in the tree and its author. Facts learnt from it stay, without the
    words they came from.
    """

    def __init__(
        self, *, database: Database, blobs: BlobStore, index: Vectorizer | None = None
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index

    async def conversations(self) -> list[ConversationId]:
        """Return every conversation in which something was said."""

        def work(connection: Connection) -> list[str]:
            return list(connection.execute(select(conversations.c.id)).scalars())

        async with self._database.reader() as snapshot:
            return [ConversationId.parse(one) for one in await snapshot.run(work)]

    async def outdated(self, conversation: ConversationId, *, before: datetime) -> int:
        """Count the messages said earlier than ``before`` that still have words."""

        def work(connection: Connection) -> int:
            query = select(func.count()).select_from(messages).where(*_old(conversation, before))
            return int(connection.execute(query).scalar_one())

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def forget_older(
        self, conversation: ConversationId, *, before: datetime, at: datetime
    ) -> int:
        """Forget what was said earlier than ``before``; return how many messages it was.

        Some hundred at a time, so that nobody waits; cut off, the rest follows the next time.
        """
        count = 0
        while True:
            async with self._database.transaction() as tx:
                done = await tx.run(_forget, conversation, before, at)
            if self._index is not None and done.dropped:
                await self._index.dropped(done.dropped)
            if done.blobs:
                await self._blobs.remove(done.blobs)
            count += done.messages
            if done.messages < _BATCH:
                return count


def _forget(
    connection: Connection, conversation: ConversationId, before: datetime, at: datetime
) -> Outdated:
    query = (
        select(messages.c.id)
        .where(*_old(conversation, before))
        .order_by(messages.c.ordinal)
        .limit(_BATCH)
    )
    gone = list(connection.execute(query).scalars())
    if not gone:
        return Outdated(messages=0, dropped=(), blobs=())
    blobs = rows.blobs_only_of(connection, gone)
    dropped = erasing.drop_summaries(connection, rows.summaries_of(connection, gone))
    dropped += remove(connection, kind=Kind.TURN, refs=gone)
    connection.execute(update(facts).where(facts.c.message_id.in_(gone)).values(quote=""))
    erasing.erase_messages(connection, gone, at=at, anonymous=False)
    return Outdated(messages=len(gone), dropped=dropped, blobs=blobs)


def _old(conversation: ConversationId, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        messages.c.conversation_id == str(conversation),
        messages.c.created_at < before,
        messages.c.deleted_at.is_(None),
    )
