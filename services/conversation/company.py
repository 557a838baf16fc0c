"""What every session of the process works with."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from services.conversation.choices import Choices
from services.conversation.gate import Gate
from services.conversation.ledger import Ledger
from services.conversation.moderation.screening import InboundModeration
from services.conversation.runner import TurnRunner
from services.conversation.scenes import Scenes
from services.conversation.scripting import Scripting
from services.domain.clock import Clock
from services.domain.ids import ConversationId, IdSource
from services.domain.messages import HistoryEntry
from services.events.bus import EventBus
from services.observability.metrics import Metrics
from services.people.permissions import Permissions
from services.persona.library import CharacterLibrary
from services.settings import ConversationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The services behind a session."""

    gate: Gate
    ledger: Ledger
    runner: TurnRunner
    choices: Choices
    scenes: Scenes
    scripting: Scripting
    moderation: InboundModeration
    permissions: Permissions
    library: CharacterLibrary
    bus: EventBus
    clock: Clock
    ids: IdSource
    metrics: Metrics
    settings: ConversationSettings


class RecentHistory:
    """The newest entries of a conversation's active branch, read once and then kept up."""

    def __init__(self, conversation: ConversationId, ledger: Ledger, *, limit: int) -> None:
        self._conversation = conversation
        self._ledger = ledger
        self._limit = limit
        self._entries: deque[HistoryEntry] | None = None
        self._changes = 0

    async def entries(self) -> list[HistoryEntry]:
        """Return them, oldest first."""
        while self._entries is None:
            changes = self._changes
            recent = await self._ledger.recent(self._conversation, self._limit)
            if changes == self._changes:  # else something was stored while this was read
                self._entries = deque(recent, maxlen=self._limit)
        return list(self._entries)

    def remember(self, entry: HistoryEntry) -> None:
        """Add ``entry`` at the end, or put it in place of its earlier form."""
        self._changes += 1
        if self._entries is None:
            return
        for index, known in enumerate(self._entries):
            if known.message.id == entry.message.id:
                self._entries[index] = entry
                return
        self._entries.append(entry)

    def forget(self) -> None:
        """Read everything again at the next use."""
        self._changes += 1
        self._entries = None
