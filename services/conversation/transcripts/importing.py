"""Taking a chat in: all of it or nothing, and never twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from services.conversation.transcripts.attribution import Attribution, account_of
from services.conversation.transcripts.importer import Importer, ImportReport
from services.conversation.transcripts.own_format import is_own, read_own
from services.conversation.transcripts.sillytavern import read_sillytavern
from services.conversation.transcripts.transcript import Transcript, unreadable
from services.conversation.transcripts.writing import TranscriptWriter
from services.domain.clock import Clock
from services.domain.errors import NotAllowed, NotFound
from services.domain.ids import AuthorId, ConversationId, PersonaId, PersonId
from services.domain.people import Author, AuthorKind, Role
from services.people.repository import PeopleRepository
from services.persona.character import Persona
from services.storage.database import Database, Transaction

_PRIVATE = frozenset({"dm", "local"})


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
            work = TranscriptWriter(
                transcript,
                conversation,
                Attribution(transcript, conversation, by, people, self._find),
            )
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
                account = account_of(line.speaker)
                human = line.speaker.kind is AuthorKind.HUMAN
                if account is None or account in found or not human:
                    continue
                author = Author(id=account, display_name=line.speaker.name)
                found[account] = await self._people.ensure(tx, author, at=now)
        return found
