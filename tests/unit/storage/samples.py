"""What the storage tests write."""

from __future__ import annotations

from pathlib import Path

from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, IdSource, MessageId, PersonaId
from services.domain.messages import Message, Source, TextPart
from services.domain.people import Author, AuthorKind
from services.settings import StorageSettings
from services.storage.database import Database

PLACE = ConversationId("discord", "1", "2")
ALICE = Author(id=AuthorId("discord", "alice"), display_name="Alice")
BOB = Author(id=AuthorId("discord", "bob"), display_name="Bob")
MIRA = Author(
    id=AuthorId("discord", "bot"),
    display_name="Mira",
    kind=AuthorKind.PERSONA,
    persona=PersonaId("mira"),
)


def database_in(folder: Path, clock: Clock, *, read_only: bool = False) -> Database:
    """A database nobody has opened yet."""
    return Database(StorageSettings(data=folder), clock=clock, read_only=read_only)


class Said:
    """Makes messages; each gets the next id."""

    def __init__(self, ids: IdSource, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    def __call__(
        self,
        text: str,
        author: Author = ALICE,
        *,
        place: ConversationId = PLACE,
        external: tuple[str, ...] = (),
    ) -> Message:
        return Message(
            id=MessageId(self._ids.new()),
            conversation=place,
            author=author,
            parts=(TextPart(text=text),),
            created_at=self._clock.now(),
            source=Source.PERSONA if author.kind is AuthorKind.PERSONA else Source.NATIVE,
            external_ids=external,
        )
