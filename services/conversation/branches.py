"""The branches of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from services.conversation.history import History, Leaf
from services.domain.ids import ConversationId
from services.storage.database import Database


class Branches:
    """Lists where the branches of conversations end."""

    def __init__(self, *, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    async def of(self, conversation: ConversationId, *, limit: int = 20) -> Sequence[Leaf]:
        """Return the newest ends of branches, newest first."""
        async with self._database.reader() as snapshot:
            return await self._history.leaves(snapshot, conversation, limit=limit)
