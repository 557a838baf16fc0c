"""Storing a transcript as messages of a conversation, all of them or none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from services.conversation import history_tree as tree
from services.conversation.transcripts.attribution import Attribution
from services.conversation.transcripts.importer import ImportReport
from services.conversation.transcripts.transcript import Line, Transcript
from services.domain.ids import ConversationId, MessageId
from services.domain.messages import Source
from services.storage.tables import conversations, messages

_BATCH = 500
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS_OF_ID = 26
_CHARACTERS_OF_TIME = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where new messages go."""

    conversation: ConversationId
    head: str | None
    ordinal: int
    roots: bool


class TranscriptWriter:
    """Stores one transcript on the database's thread."""

    def __init__(
        self, transcript: Transcript, conversation: ConversationId, who: Attribution
    ) -> None:
        self._transcript = transcript
        self._conversation = conversation
        self._who = who

    def run(self, connection: Connection) -> ImportReport:
        """Store what is not stored yet, inside the caller's transaction."""
        lines = self._transcript.lines
        head, ordinal = tree.open_conversation(connection, self._conversation, at=lines[0].at)
        ids = {line.key: _id_for(self._conversation, line) for line in lines}
        ids |= self._native(connection)
        ids |= self._taken_in_at_another_time(connection, ids)
        known = self._stored(connection, list(ids.values()))
        new = [line for line in lines if ids[line.key] not in known]
        if not new:
            return ImportReport(
                added=0, known=len(lines), left_out=self._transcript.left_out, standing=False
            )
        goes_on = new[0].parent is not None and ids[new[0].parent] == head
        standing = head is None or goes_on
        place = _Place(
            conversation=self._conversation,
            head=head,
            ordinal=ordinal,
            roots=self._has_root(connection),
        )
        self._insert(connection, new, ids, place, standing=standing)
        self._settle(connection, ids, ordinal + len(new), standing=standing)
        return ImportReport(
            added=len(new),
            known=len(lines) - len(new),
            left_out=self._transcript.left_out,
            standing=standing,
            first=ordinal,
        )

    def _insert(
        self,
        connection: Connection,
        new: list[Line],
        ids: Mapping[str, MessageId],
        place: _Place,
        *,
        standing: bool,
    ) -> None:
        fresh = {line.key for line in new}
        active_below = {line.parent for line in new if line.active}
        taken = self._active_children(
            connection, [ids[key] for key in active_below if key is not None and key not in fresh]
        )
        rows: list[dict[str, object]] = []
        for offset, line in enumerate(new):
            outside = line.parent is None or line.parent not in fresh
            occupied = place.roots if line.parent is None else ids[line.parent] in taken
            active = line.active and not (outside and occupied)
            rows.append(self._row(connection, line, ids, place.ordinal + offset, active=active))
            if len(rows) == _BATCH:
                connection.execute(insert(messages), rows)
                rows = []
        if rows:
            connection.execute(insert(messages), rows)
        if standing and self._transcript.head is not None:
            tree.stand_at(connection, place.conversation, ids[self._transcript.head])

    def _row(
        self,
        connection: Connection,
        line: Line,
        ids: Mapping[str, MessageId],
        ordinal: int,
        *,
        active: bool,
    ) -> dict[str, object]:
        author = self._who.author(line.speaker)
        reply_to = ids.get(line.reply_to) if line.reply_to is not None else None
        return {
            "id": ids[line.key],
            "conversation_id": str(self._conversation),
            "ordinal": ordinal,
            "parent_id": None if line.parent is None else ids[line.parent],
            "active": active,
            "turn_id": None,
            "author_platform": author.id.platform,
            "author_user": author.id.user,
            "author_kind": author.kind.value,
            "author_name": author.display_name,
            "person_id": author.person,
            "persona_id": author.persona,
            "source": Source.IMPORTED.value,
            "visibility": line.visibility,
            "modality": line.modality,
            "written": line.text,
            "heard": line.heard,
            "reply_to": reply_to,
            "mentions": None,
            "hop": 0,
            "roster_id": self._who.roster(connection, line),
            "created_at": line.at,
            "edited_at": line.edited_at,
            "deleted_at": None,
        }

    def _settle(
        self, connection: Connection, ids: Mapping[str, MessageId], ordinal: int, *, standing: bool
    ) -> None:
        latest = max(line.at for line in self._transcript.lines)
        here = conversations.c.id == str(self._conversation)
        connection.execute(update(conversations).where(here).values(next_ordinal=ordinal))
        connection.execute(
            update(conversations)
            .where(here, conversations.c.last_activity_at < latest)
            .values(last_activity_at=latest)
        )
        if standing:
            head = self._transcript.head
            tree.move_head(connection, self._conversation, None if head is None else ids[head])
            if self._transcript.title is not None:
                connection.execute(
                    update(conversations)
                    .where(here, conversations.c.title.is_(None))
                    .values(title=self._transcript.title)
                )

    def _native(self, connection: Connection) -> dict[str, MessageId]:
        """Return the lines that are still stored here under the ids they were exported with."""
        keys = [line.key for line in self._transcript.lines]
        here = messages.c.conversation_id == str(self._conversation)
        return {
            key: MessageId(key)
            for start in range(0, len(keys), _BATCH)
            for key in connection.execute(
                select(messages.c.id).where(here, messages.c.id.in_(keys[start : start + _BATCH]))
            ).scalars()
        }

    def _taken_in_at_another_time(
        self, connection: Connection, ids: Mapping[str, MessageId]
    ) -> dict[str, MessageId]:
        """Return the lines without a date that are here under the time guessed for them then."""
        guessed = {
            ids[line.key][_CHARACTERS_OF_TIME:]: line.key
            for line in self._transcript.lines
            if not line.dated and ids[line.key] != line.key
        }
        if not guessed:
            return {}
        stored = connection.execute(
            select(messages.c.id).where(
                messages.c.conversation_id == str(self._conversation),
                messages.c.source == Source.IMPORTED.value,
            )
        ).scalars()
        return {
            guessed[found[_CHARACTERS_OF_TIME:]]: MessageId(found)
            for found in stored
            if found[_CHARACTERS_OF_TIME:] in guessed
        }

    def _stored(self, connection: Connection, ids: list[MessageId]) -> set[str]:
        return {
            found
            for start in range(0, len(ids), _BATCH)
            for found in connection.execute(
                select(messages.c.id).where(messages.c.id.in_(ids[start : start + _BATCH]))
            ).scalars()
        }

    def _has_root(self, connection: Connection) -> bool:
        query = select(messages.c.id).where(
            messages.c.conversation_id == str(self._conversation),
            messages.c.parent_id.is_(None),
            messages.c.active,
        )
        return connection.execute(query.limit(1)).first() is not None

    def _active_children(self, connection: Connection, parents: list[MessageId]) -> set[str]:
        return {
            str(found)
            for start in range(0, len(parents), _BATCH)
            for found in connection.execute(
                select(messages.c.parent_id).where(
                    messages.c.parent_id.in_(parents[start : start + _BATCH]), messages.c.active
                )
            ).scalars()
        }


def _id_for(conversation: ConversationId, line: Line) -> MessageId:
    """Return the id a line has in a conversation: it sorts by time, and its end names the line."""
    digest = hashlib.sha256(f"{conversation}\x00{line.key}".encode("utf-8", "replace")).digest()
    milliseconds = max(0, int(line.at.timestamp() * 1000)) & (2**48 - 1)
    value = (milliseconds << 80) | int.from_bytes(digest[:10], "big")
    shifts = range(5 * (_CHARACTERS_OF_ID - 1), -1, -5)
    return MessageId("".join(_ALPHABET[(value >> shift) & 31] for shift in shifts))
