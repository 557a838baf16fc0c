"""Stored messages one by one: looked up, corrected and erased."""

from __future__ import annotations

from collections.abc import Sequence

from services.conversation.history import History
from services.conversation.turns import TurnStore
from services.conversation.witnesses import accounts_among
from services.domain.clock import Clock
from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Alternatives, HistoryEntry
from services.domain.people import AuthorKind
from services.storage.database import Database, Snapshot, Transaction


class KeptMessages:
    """One transaction per change; a reply and its other versions are erased together."""

    def __init__(
        self, *, database: Database, history: History, turns: TurnStore, clock: Clock
    ) -> None:
        self._database = database
        self._history = history
        self._turns = turns
        self._clock = clock

    async def entry(self, conversation: ConversationId, message: MessageId) -> HistoryEntry:
        """Return a message. Raises ``NotFound`` when it is of another conversation or removed."""
        async with self._database.reader() as snapshot:
            entry = await self._history.entry(snapshot, message)
        if entry.message.conversation != conversation or entry.deleted_at is not None:
            raise _unknown()
        return entry

    async def versions(self, message: MessageId) -> Alternatives:
        """Return a message's versions without those removed. Raises ``NotFound``."""
        async with self._database.reader() as snapshot:
            found = await self._history.alternatives(snapshot, message)
        kept = [entry for entry in found.entries if entry.deleted_at is None]
        if not any(entry.message.id == message for entry in kept):
            raise _unknown()
        standing = [index for index, entry in enumerate(kept) if entry.active]
        return Alternatives(entries=kept, active=standing[0] if standing else -1)

    async def asker(self, entry: HistoryEntry) -> AuthorId | None:
        """Return who asked for a reply: the author of what it answers.

        For a greeting that is the one person who was there; nobody asked for what was said unasked
        or goes on after a confirmation.
        """
        if entry.message.author.kind is not AuthorKind.PERSONA:
            return None
        if entry.turn is None:
            people = accounts_among(entry.witnesses) - {entry.message.author.id}
            return next(iter(people)) if len(people) == 1 else None
        async with self._database.reader() as snapshot:
            try:
                turn = await self._turns.get(snapshot, entry.turn)
                if turn.trigger is None:
                    return None
                return (await self._history.entry(snapshot, turn.trigger)).message.author.id
            except NotFound:
                return None

    async def publish(self, message: MessageId, external_ids: Sequence[str]) -> None:
        """Note a platform's ids of a message; see ``History.add_external_ids``."""
        async with self._database.transaction() as tx:
            await self._history.add_external_ids(tx, message, external_ids)

    async def known_as(self, conversation: ConversationId, external_id: str) -> HistoryEntry | None:
        """Return the message a platform knows under this id, removed or not."""
        async with self._database.reader() as snapshot:
            return await self._known_as(snapshot, conversation, external_id)

    async def standing(self, conversation: ConversationId, external_id: str) -> HistoryEntry | None:
        """Return the version that stands of what a platform knows; ``None`` when removed."""
        async with self._database.reader() as snapshot:
            entry = await self._known_as(snapshot, conversation, external_id)
            if entry is not None and not entry.active:
                versions = await self._history.alternatives(snapshot, entry.message.id)
                if versions.active >= 0:
                    entry = versions.entries[versions.active]
        return None if entry is None or entry.deleted_at is not None else entry

    async def edit(self, message: MessageId, text: str) -> HistoryEntry:
        """Replace a message's words. Raises ``NotFound`` when it is removed."""
        async with self._database.transaction() as tx:
            return await self._history.edit(tx, message, text, at=self._clock.now())

    async def erase(self, messages: Sequence[MessageId]) -> list[HistoryEntry]:
        """Erase messages and their versions, and return those erased now; unknown: ``NotFound``."""
        async with self._database.transaction() as tx:
            return await self._erase(tx, messages)

    async def take_back(
        self, tries: Sequence[MessageId], *, original: MessageId | None
    ) -> list[HistoryEntry]:
        """Erase versions that came to nothing, and return them; ``original`` stands again."""
        async with self._database.transaction() as tx:
            now = self._clock.now()
            removed = [await self._history.remove(tx, message, at=now) for message in tries]
            if original is not None:
                await tx.run(self._history.beside, original)
                await self._history.activate(tx, original)
        return removed

    async def withdraw(
        self, conversation: ConversationId, external_ids: Sequence[str]
    ) -> list[HistoryEntry]:
        """Erase what a platform no longer shows, and return what was erased now.

        A reply that the platform shows in several messages goes with the last of them.
        """
        async with self._database.transaction() as tx:
            gone: dict[MessageId, None] = {}
            left: list[str] = []
            for external_id in dict.fromkeys(external_ids):
                entry = await self._known_as(tx, conversation, external_id)
                if entry is None or entry.deleted_at is not None:
                    continue
                versions = await self._history.alternatives(tx, entry.message.id)
                shown = {name for one in versions.entries for name in one.message.external_ids}
                if shown <= set(external_ids):
                    gone[entry.message.id] = None
                else:
                    left.append(external_id)
            if left:
                await self._history.drop_external_ids(tx, conversation.platform, left)
            return await self._erase(tx, list(gone))

    async def _erase(self, tx: Transaction, messages: Sequence[MessageId]) -> list[HistoryEntry]:
        erased: list[HistoryEntry] = []
        for message in messages:
            versions = await self._history.alternatives(tx, message)
            for version in sorted(versions.entries, key=lambda one: one.message.id != message):
                if version.deleted_at is None and not _among(version, erased):
                    now = self._clock.now()
                    erased.append(await self._history.remove(tx, version.message.id, at=now))
        return erased

    async def _known_as(
        self, snapshot: Snapshot, conversation: ConversationId, external_id: str
    ) -> HistoryEntry | None:
        entry = await self._history.by_external_id(snapshot, conversation.platform, external_id)
        return entry if entry is not None and entry.message.conversation == conversation else None


def _among(entry: HistoryEntry, entries: Sequence[HistoryEntry]) -> bool:
    return any(one.message.id == entry.message.id for one in entries)


def _unknown() -> NotFound:
    return NotFound("message_unknown", "There is no such message here.")
