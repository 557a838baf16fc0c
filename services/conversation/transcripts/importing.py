"""Taking a chat in: all of it or nothing, and never twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection, insert, select, update

from services.conversation import history_tree as tree
from services.conversation.history_rows import Rosters, Witnesses
from services.conversation.transcripts.own_format import is_own, read_own
from services.conversation.transcripts.sillytavern import read_sillytavern
from services.conversation.transcripts.transcript import Line, Speaker, Transcript, unreadable
from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId, PersonId
from services.domain.messages import Source
from services.domain.people import Author, AuthorKind, Role
from services.people.repository import PeopleRepository
from services.persona.character import Persona
from services.storage.database import Database, Transaction
from services.storage.tables import conversations, messages

IMPORTED = "imported"
"""The platform of people whom a file names and nobody vouches for."""

_PRIVATE = frozenset({"dm", "local"})
_BATCH = 500
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS_OF_ID = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file: messages ``added`` and ``known`` before, and what was ``left_out``.

    ``standing`` says whether the conversation goes on from the chat's end; otherwise it lies beside
    what was there, from message number ``first`` on.
    """

    added: int
    known: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    standing: bool = False
    first: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "added": self.added,
            "known": self.known,
            "left_out": dict(self.left_out),
            "standing": self.standing,
            "first": self.first,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Who takes a chat in. What a file says of others is believed of owners only."""

    author: Author
    role: Role = Role.MEMBER
    persona: PersonaId | None = None

    @property
    def trusted(self) -> bool:
        """Whether accounts and witnesses are taken over as the file names them."""
        return self.role >= Role.OWNER


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where new messages go."""

    conversation: ConversationId
    head: str | None
    ordinal: int
    roots: bool


class Characters(Protocol):
    """The characters there are."""

    def get(self, persona: PersonaId, /) -> Persona | None:
        """Return the character with an id."""
        ...

    def find(self, name: str, /) -> Persona:
        """Return the character of a name; raises ``NotFound``."""
        ...


class ChatImport:
    """Reads SillyTavern's chats and our own, and stores them as imported text.

    Nothing of a file has authority: no message speaks for the system, all are marked as imported,
    and people other than whoever imports are nobody's accounts, unless an owner imports. Message
    ids follow from the conversation and the chat, so the same file changes nothing the second time,
    a longer one adds what is new, and what was forgotten does not come back.
    """

    def __init__(
        self,
        *,
        database: Database,
        people: PeopleRepository,
        clock: Clock,
        characters: Characters,
        longest: int,
    ) -> None:
        self._database = database
        self._people = people
        self._clock = clock
        self._characters = characters
        self._longest = longest

    def read(self, data: bytes) -> Transcript:
        """Return the chat in a file; raises ``InvalidRequest`` in one sentence."""
        now = self._clock.now()
        read = read_own if is_own(data) else read_sillytavern
        transcript = read(data, longest=self._longest, now=now)
        if not transcript.lines:
            raise unreadable(reason="there is no message in it")
        return transcript

    async def take_in(
        self, transcript: Transcript, conversation: ConversationId, *, by: Importer
    ) -> ImportReport:
        """Store a chat in a conversation, all of it or nothing.

        An empty conversation, or one whose end the chat goes on from, stands at the chat's end
        afterwards; otherwise the chat is a branch of its own. Where others are present it takes a
        moderator, elsewhere a member; ``NotAllowed`` otherwise.
        """
        needed = Role.MEMBER if conversation.scope in _PRIVATE else Role.MODERATOR
        if by.role < needed:
            raise NotAllowed("import_permission", "You may not take chats in here.")
        async with self._database.transaction() as tx:
            people = await self._persons(tx, transcript, by)
            work = _Intake(transcript, conversation, by, people, self._find)
            return await tx.run(work.run)

    def _find(self, name: str) -> PersonaId | None:
        known = self._characters.get(PersonaId(name))
        if known is None:
            try:
                known = self._characters.find(name)
            except NotFound:
                return None
        return known.id

    async def _persons(
        self, tx: Transaction, transcript: Transcript, by: Importer
    ) -> Mapping[AuthorId, PersonId]:
        now = self._clock.now()
        found = {by.author.id: await self._people.ensure(tx, by.author, at=now)}
        if by.trusted:
            for line in transcript.lines:
                account = _account(line.speaker)
                human = line.speaker.kind is AuthorKind.HUMAN
                if account is None or account in found or not human:
                    continue
                author = Author(id=account, display_name=line.speaker.name)
                found[account] = await self._people.ensure(tx, author, at=now)
        return found


class _Intake:
    """Stores one transcript on the database's thread."""

    def __init__(
        self,
        transcript: Transcript,
        conversation: ConversationId,
        by: Importer,
        people: Mapping[AuthorId, PersonId],
        character: Callable[[str], PersonaId | None],
    ) -> None:
        self._transcript = transcript
        self._conversation = conversation
        self._by = by
        self._people = people
        self._find = character
        self._characters: dict[str, PersonaId | None] = {}
        self._rosters = Rosters()
        self._heard_by: dict[frozenset[AuthorId | PersonaId], str | None] = {}
        self._everyone = self._everybody()

    def run(self, connection: Connection) -> ImportReport:
        lines = self._transcript.lines
        head, ordinal = tree.open_conversation(connection, self._conversation, at=lines[0].at)
        ids = {line.key: _id_for(self._conversation, line) for line in lines}
        ids |= self._native(connection)
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
        author = self._author(line.speaker)
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
            "roster_id": self._roster(connection, line),
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

    def _author(self, speaker: Speaker) -> Author:
        if speaker.kind is AuthorKind.PERSONA:
            persona = self._persona(speaker)
            user = persona or f"character {speaker.name}"
            return Author(
                id=AuthorId("persona" if persona else IMPORTED, user),
                display_name=speaker.name,
                kind=AuthorKind.PERSONA,
                persona=persona,
            )
        account = self._account_of(speaker)
        return Author(
            id=account,
            display_name=speaker.name,
            kind=speaker.kind,
            person=self._people.get(account) if speaker.kind is AuthorKind.HUMAN else None,
        )

    def _account_of(self, speaker: Speaker) -> AuthorId:
        named = _account(speaker)
        own = self._by.author.id
        if speaker.kind is AuthorKind.HUMAN and (named is None or named == own):
            # A file of SillyTavern names no accounts: its user is whoever takes it in.
            return own
        if named is not None and self._by.trusted:
            return named
        return AuthorId(IMPORTED, hashlib.sha256(speaker.name.encode()).hexdigest()[:16])

    def _persona(self, speaker: Speaker) -> PersonaId | None:
        key = speaker.persona or speaker.name
        if key not in self._characters:
            first = self._transcript.character or speaker.name
            chosen = self._by.persona if speaker.name == first else None
            self._characters[key] = chosen or self._find(key)
        return self._characters[key]

    def _roster(self, connection: Connection, line: Line) -> str | None:
        present = self._witnesses(line)
        if present not in self._heard_by:
            roster = self._rosters.store(connection, self._conversation, present)
            self._heard_by[present] = roster
        return self._heard_by[present]

    def _witnesses(self, line: Line) -> Witnesses:
        if not (self._by.trusted and line.witnesses):
            return self._everyone
        present: set[AuthorId | PersonaId] = set()
        for kind, member in line.witnesses:
            if kind == "persona":
                present.add(PersonaId(member))
            elif (account := _parsed(member)) is not None:
                present.add(account)
        return frozenset(present)

    def _everybody(self) -> Witnesses:
        """Return whoever takes the chat in and the characters that speak in it."""
        speakers = {line.speaker for line in self._transcript.lines}
        found = {
            persona
            for speaker in speakers
            if speaker.kind is AuthorKind.PERSONA
            and (persona := self._persona(speaker)) is not None
        }
        present: set[AuthorId | PersonaId] = {self._by.author.id, *found}
        return frozenset(present)

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
    """Return the id a line has in a conversation: it sorts by time, and is always the same."""
    digest = hashlib.sha256(f"{conversation}\x00{line.key}".encode("utf-8", "replace")).digest()
    milliseconds = max(0, int(line.at.timestamp() * 1000)) & (2**48 - 1)
    value = (milliseconds << 80) | int.from_bytes(digest[:10], "big")
    shifts = range(5 * (_CHARACTERS_OF_ID - 1), -1, -5)
    return MessageId("".join(_ALPHABET[(value >> shift) & 31] for shift in shifts))


def _account(speaker: Speaker) -> AuthorId | None:
    return None if speaker.account is None else _parsed(speaker.account)


def _parsed(account: str) -> AuthorId | None:
    try:
        return AuthorId.parse(account)
    except InvalidRequest:
        return None
