"""Who said the lines of a transcript, and who heard them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from services.conversation.history_rows import Rosters, Witnesses
from services.conversation.transcripts.importer import Importer
from services.conversation.transcripts.transcript import Line, Speaker, Transcript
from services.domain.errors import InvalidRequest
from services.domain.ids import AuthorId, ConversationId, PersonaId, PersonId
from services.domain.people import Author, AuthorKind

IMPORTED = "imported"
"""The platform of people whom a file names and nobody vouches for."""


class Attribution:
    """Says whose a transcript's lines are, as far as the one who takes it in is believed."""

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

    def author(self, speaker: Speaker) -> Author:
        """Return who a line is stored as having been said by."""
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
        named = account_of(speaker)
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

    def roster(self, connection: Connection, line: Line) -> str | None:
        """Return the stored group of those who heard a line."""
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


def account_of(speaker: Speaker) -> AuthorId | None:
    """Return the account a file names for a speaker, if it names one."""
    return None if speaker.account is None else _parsed(speaker.account)


def _parsed(account: str) -> AuthorId | None:
    try:
        return AuthorId.parse(account)
    except InvalidRequest:
        return None
