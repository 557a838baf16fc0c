"""Messages as rows: writing one, reading many."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import (
    BindParameter,
    Connection,
    RowMapping,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import (
    BlobPart,
    HistoryEntry,
    Message,
    Modality,
    Part,
    Source,
    TextPart,
    Visibility,
)
from services.domain.people import Author, AuthorKind
from services.storage.cache import RecentCache
from services.storage.tables import attachments, external_ids, messages, roster_members, rosters

Witnesses = frozenset[AuthorId | PersonaId]

_IN_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_EXTERNAL_IDS = (
    select(external_ids.c.message_id, external_ids.c.external_id)
    .where(external_ids.c.message_id.in_(_IN_IDS))
    .order_by(external_ids.c.position)
)
_OWNERS = select(external_ids.c.external_id, external_ids.c.message_id).where(
    external_ids.c.platform == bindparam("platform"), external_ids.c.external_id.in_(_IN_IDS)
)
_LAST_POSITION = select(func.coalesce(func.max(external_ids.c.position), -1)).where(
    external_ids.c.message_id == bindparam("message")
)
_ATTACHMENTS = (
    select(attachments)
    .where(attachments.c.message_id.in_(_IN_IDS))
    .order_by(attachments.c.position)
)
_MEMBERS = select(roster_members).where(roster_members.c.roster_id.in_(_IN_IDS))
# A look-up is several times faster than calling the enumeration, and a prompt loads hundreds.
_MODALITIES = {modality.value: modality for modality in Modality}
_SOURCES = {source.value: source for source in Source}
_VISIBILITIES = {visibility.value: visibility for visibility in Visibility}
_INSERT_MESSAGE = insert(messages)
_INSERT_EXTERNAL_ID = insert(external_ids)


class Rosters:
    """Who was present, stored once per conversation and group of people."""

    def __init__(self, size: int = 2000) -> None:
        self.stored: RecentCache[str, Witnesses] = RecentCache(size)

    def store(
        self, connection: Connection, conversation: ConversationId, witnesses: Witnesses
    ) -> str | None:
        """Return the group's roster id, storing it when it may be new; ``None`` for nobody."""
        if not witnesses:
            return None
        members = sorted(_member(witness) for witness in witnesses)
        digest = _digest(*(part for member in members for part in member))
        roster = _digest(str(conversation), digest)
        if self.stored.get(roster) is not None:
            return roster
        added = connection.execute(
            upsert(rosters)
            .values(id=roster, conversation_id=str(conversation), digest=digest)
            .on_conflict_do_nothing()
        )
        if added.rowcount:
            connection.execute(
                insert(roster_members),
                [{"roster_id": roster, "kind": kind, "member": name} for kind, name in members],
            )
        return roster

    def load(self, connection: Connection, ids: Iterable[str]) -> Mapping[str, Witnesses]:
        """Return the groups behind roster ids."""
        found: dict[str, Witnesses] = {}
        missing: list[str] = []
        for roster in ids:
            known = self.stored.get(roster)
            if known is None:
                missing.append(roster)
            else:
                found[roster] = known
        if missing:
            members: dict[str, set[AuthorId | PersonaId]] = defaultdict(set)
            for row in connection.execute(_MEMBERS, {"ids": missing}).mappings():
                members[row["roster_id"]].add(_witness(row["kind"], row["member"]))
            for roster, group in members.items():
                found[roster] = frozenset(group)
        return found


def insert_entry(connection: Connection, entry: HistoryEntry, *, roster: str | None) -> None:
    """Store a message with its place, external ids and attachments."""
    message, author = entry.message, entry.message.author
    connection.execute(
        _INSERT_MESSAGE,
        {
            "id": message.id,
            "conversation_id": str(message.conversation),
            "ordinal": entry.ordinal,
            "parent_id": entry.parent,
            "active": entry.active,
            "turn_id": entry.turn,
            "author_platform": author.id.platform,
            "author_user": author.id.user,
            "author_kind": author.kind.value,
            "author_name": author.display_name,
            "person_id": author.person,
            "persona_id": author.persona,
            "source": message.source.value,
            "visibility": message.visibility.value,
            "modality": message.modality.value,
            "written": message.text,
            "heard": entry.heard,
            "reply_to": message.reply_to,
            "mentions": [str(mention) for mention in message.mentions] or None,
            "hop": message.hop,
            "roster_id": roster,
            "created_at": message.created_at,
        },
    )
    if message.external_ids:
        insert_external_ids(connection, message.id, message.conversation, message.external_ids)
    if message.attachments:
        connection.execute(
            insert(attachments),
            [
                {
                    "id": f"{message.id}.{position}",
                    "message_id": message.id,
                    "position": position,
                    "kind": part.kind,
                    "sha256": part.sha256,
                    "media_type": part.media_type,
                    "name": part.name,
                    "size": part.size,
                }
                for position, part in enumerate(message.attachments)
            ],
        )


def insert_external_ids(
    connection: Connection,
    message: MessageId,
    conversation: ConversationId,
    ids: Sequence[str],
    *,
    start: int = 0,
) -> None:
    """Store a platform's ids of a message, counting positions from ``start``."""
    connection.execute(
        _INSERT_EXTERNAL_ID,
        [
            {
                "platform": conversation.platform,
                "external_id": external_id,
                "message_id": message,
                "position": position,
            }
            for position, external_id in enumerate(ids, start)
        ],
    )


def owners_of(connection: Connection, platform: str, ids: Sequence[str]) -> Mapping[str, MessageId]:
    """Return which messages a platform knows under some ids; unknown ones are left out."""
    rows = connection.execute(_OWNERS, {"platform": platform, "ids": list(ids)})
    return {external_id: MessageId(message) for external_id, message in rows}


def next_position(connection: Connection, message: MessageId) -> int:
    """Return the position that comes after those of a message's external ids."""
    return int(connection.execute(_LAST_POSITION, {"message": message}).scalar_one()) + 1


def delete_external_ids(connection: Connection, platform: str, ids: Sequence[str]) -> None:
    """Forget a platform's ids, whichever messages they belong to."""
    connection.execute(
        delete(external_ids).where(
            external_ids.c.platform == platform, external_ids.c.external_id.in_(list(ids))
        )
    )


def load_entries(
    connection: Connection, rows: Sequence[RowMapping], known: Rosters
) -> list[HistoryEntry]:
    """Return the entries of ``messages`` rows, in their order."""
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    external: dict[str, list[str]] = defaultdict(list)
    for message, external_id in connection.execute(_EXTERNAL_IDS, {"ids": ids}):
        external[message].append(external_id)
    files: dict[str, list[BlobPart]] = defaultdict(list)
    for row in connection.execute(_ATTACHMENTS, {"ids": ids}).mappings():
        files[row["message_id"]].append(
            BlobPart(
                kind=row["kind"],
                sha256=row["sha256"],
                media_type=row["media_type"],
                name=row["name"],
                size=row["size"],
            )
        )
    groups = known.load(connection, {row["roster_id"] for row in rows if row["roster_id"]})
    shared = _Shared()
    return [
        HistoryEntry(
            message=_message(
                row, shared, tuple(external.get(row["id"], ())), files.get(row["id"], ())
            ),
            ordinal=row["ordinal"],
            parent=row["parent_id"],
            active=row["active"],
            turn=row["turn_id"],
            heard=row["heard"],
            witnesses=groups.get(row["roster_id"], frozenset()),
            edited_at=row["edited_at"],
            deleted_at=row["deleted_at"],
        )
        for row in rows
    ]


class _Shared:
    """Values that many messages of one load have in common."""

    def __init__(self) -> None:
        self._conversations: dict[str, ConversationId] = {}
        self._authors: dict[tuple[str | None, ...], Author] = {}

    def conversation(self, text: str) -> ConversationId:
        found = self._conversations.get(text)
        if found is None:
            found = self._conversations[text] = ConversationId.parse(text)
        return found

    def author(self, row: RowMapping) -> Author:
        key = (
            row["author_platform"],
            row["author_user"],
            row["author_name"],
            row["author_kind"],
            row["persona_id"],
            row["person_id"],
        )
        found = self._authors.get(key)
        if found is None:
            found = self._authors[key] = Author(
                id=AuthorId(row["author_platform"], row["author_user"]),
                display_name=row["author_name"],
                kind=AuthorKind(row["author_kind"]),
                persona=row["persona_id"],
                person=row["person_id"],
            )
        return found


def _message(
    row: RowMapping, shared: _Shared, external: tuple[str, ...], files: Iterable[BlobPart]
) -> Message:
    words: tuple[Part, ...] = (TextPart(text=row["written"]),) if row["written"] else ()
    return Message(
        id=row["id"],
        conversation=shared.conversation(row["conversation_id"]),
        author=shared.author(row),
        parts=(*words, *files),
        created_at=row["created_at"],
        reply_to=row["reply_to"],
        mentions=tuple(AuthorId.parse(mention) for mention in row["mentions"] or ()),
        modality=_MODALITIES[row["modality"]],
        source=_SOURCES[row["source"]],
        visibility=_VISIBILITIES[row["visibility"]],
        external_ids=external,
        hop=row["hop"],
    )


def _member(witness: AuthorId | PersonaId) -> tuple[str, str]:
    if isinstance(witness, AuthorId):
        return ("account", str(witness))
    return ("persona", witness)


def _witness(kind: str, member: str) -> AuthorId | PersonaId:
    return AuthorId.parse(member) if kind == "account" else PersonaId(member)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
