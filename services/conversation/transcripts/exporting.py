"""Taking a conversation out as a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from sqlalchemy import Connection, select

from services.conversation import history_tree as tree
from services.conversation.history_rows import Rosters, load_entries
from services.conversation.transcripts.markdown import write_markdown
from services.conversation.transcripts.own_format import write_own
from services.conversation.transcripts.sillytavern import write_sillytavern
from services.domain.clock import Clock
from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import HistoryEntry, Visibility
from services.domain.people import AuthorKind, Role
from services.storage.database import Database
from services.storage.tables import conversations, messages

Form = Literal["json", "sillytavern", "markdown"]

_BATCH = 500


class ChatExport:
    """Writes what somebody witnessed of a conversation; owners get all of it."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def export(
        self,
        conversation: ConversationId,
        *,
        by: AuthorId,
        role: Role = Role.MEMBER,
        form: Form = "json",
    ) -> str:
        """Return the file's text: every branch as ``json``, otherwise the one that stands.

        Removed messages are left out. Raises ``NotFound`` when there is nothing ``by`` may have.
        """
        async with self._database.reader() as snapshot:
            title, head, found = await snapshot.run(_load, conversation)
        allowed = [entry for entry in found if role >= Role.OWNER or _witnessed(entry, by)]
        kept = _reattached(found, allowed)
        if not kept:
            raise NotFound("nothing_to_export", "There is nothing of yours to export here.")
        standing = _nearest(head, _parents(found), {entry.message.id for entry in kept})
        if form == "json":
            written = write_own(
                kept, conversation, title=title, head=standing, at=self._clock.now()
            )
            return json.dumps(written, ensure_ascii=False, indent=1) + "\n"
        branch = _branch(kept, standing)
        if form == "markdown":
            said = [entry for entry, _ in branch]
            return write_markdown(said, title=title or "Conversation")
        return write_sillytavern(
            branch,
            user=_name(branch, personas=False) or "User",
            character=_name(branch, personas=True) or "Character",
        )


def _load(
    connection: Connection, conversation: ConversationId
) -> tuple[str | None, MessageId | None, list[HistoryEntry]]:
    title = connection.execute(
        select(conversations.c.title).where(conversations.c.id == str(conversation))
    ).scalar_one_or_none()
    head = tree.head(connection, conversation)
    entries: list[HistoryEntry] = []
    rosters = Rosters()
    last = 0
    while True:
        rows = connection.execute(
            select(messages)
            .where(messages.c.conversation_id == str(conversation), messages.c.ordinal > last)
            .order_by(messages.c.ordinal)
            .limit(_BATCH)
        )
        part = load_entries(connection, rows.mappings().all(), rosters)
        entries += part
        if len(part) < _BATCH:
            return title, None if head is None else MessageId(head), entries
        last = part[-1].ordinal


def _witnessed(entry: HistoryEntry, account: AuthorId) -> bool:
    if entry.message.author.id == account:
        return True
    return entry.message.visibility is not Visibility.HIDDEN and account in entry.witnesses


def _reattached(
    found: Sequence[HistoryEntry], allowed: Sequence[HistoryEntry]
) -> list[HistoryEntry]:
    """Let what follows a message that is left out follow what that one followed."""
    kept = {entry.message.id for entry in allowed if entry.deleted_at is None}
    parents = _parents(found)
    return [
        replace(entry, parent=_nearest(entry.parent, parents, kept))
        for entry in allowed
        if entry.message.id in kept
    ]


def _parents(found: Sequence[HistoryEntry]) -> Mapping[MessageId, MessageId | None]:
    return {entry.message.id: entry.parent for entry in found}


def _nearest(
    message: MessageId | None,
    parents: Mapping[MessageId, MessageId | None],
    kept: Collection[MessageId],
) -> MessageId | None:
    while message is not None and message not in kept:
        message = parents.get(message)
    return message


def _branch(
    entries: Sequence[HistoryEntry], head: MessageId | None
) -> list[tuple[HistoryEntry, Sequence[HistoryEntry]]]:
    """Return the messages up to ``head``, each with its versions in the order they were made."""
    by_id = {entry.message.id: entry for entry in entries}
    versions: dict[MessageId | None, list[HistoryEntry]] = {}
    for entry in entries:
        versions.setdefault(entry.parent, []).append(entry)
    branch: list[tuple[HistoryEntry, Sequence[HistoryEntry]]] = []
    while head is not None:
        entry = by_id[head]
        author = entry.message.author.id
        same = [one for one in versions[entry.parent] if one.message.author.id == author]
        branch.append((entry, same))
        head = entry.parent
    return branch[::-1]


def _name(
    branch: Sequence[tuple[HistoryEntry, Sequence[HistoryEntry]]], *, personas: bool
) -> str | None:
    for entry, _ in branch:
        if (entry.message.author.kind is AuthorKind.PERSONA) == personas:
            return entry.message.author.display_name
    return None
