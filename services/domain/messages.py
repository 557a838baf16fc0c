"""What is said, and its place in a conversation's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId, TurnId
from services.domain.people import Author


class Modality(StrEnum):
    """How a message reached or left us."""

    TEXT = "text"
    VOICE = "voice"


class Source(StrEnum):
    """Where a message comes from; imported text never carries authority."""

    NATIVE = "native"
    IMPORTED = "imported"
    PERSONA = "persona"


class Visibility(StrEnum):
    """Who may be shown a message or reminded of it."""

    SHARED = "shared"
    PRIVATE = "private"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """Written words."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPart:
    """An attachment whose bytes lie in the blob store under ``sha256`` (hex)."""

    kind: str  # "image", "audio" or "file"
    sha256: str
    media_type: str
    name: str
    size: int


Part = TextPart | BlobPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing said, as it arrived or was delivered.

    ``hop`` counts the machine-caused steps since a human acted; ``external_ids`` are the
    platform's own ids, several when one reply was split.
    """

    id: MessageId
    conversation: ConversationId
    author: Author
    parts: tuple[Part, ...]
    created_at: datetime
    reply_to: MessageId | None = None
    mentions: tuple[AuthorId, ...] = ()
    modality: Modality = Modality.TEXT
    source: Source = Source.NATIVE
    visibility: Visibility = Visibility.SHARED
    external_ids: tuple[str, ...] = ()
    hop: int = 0

    @property
    def text(self) -> str:
        """All written parts, joined by newlines."""
        if len(self.parts) == 1 and isinstance(self.parts[0], TextPart):
            return self.parts[0].text
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def attachments(self) -> tuple[BlobPart, ...]:
        """Parts that are not words, in order."""
        if len(self.parts) == 1 and isinstance(self.parts[0], TextPart):
            return ()
        return tuple(part for part in self.parts if isinstance(part, BlobPart))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A recorded message.

    ``ordinal`` counts from 1 in its conversation without reuse. ``parent`` is the message it
    follows on its branch; entries sharing a parent are alternatives, one of which is ``active``.
    ``heard`` is what was really heard of a spoken message. ``witnesses`` names who was present.
    """

    message: Message
    ordinal: int
    parent: MessageId | None
    active: bool = True
    turn: TurnId | None = None
    heard: str | None = None
    witnesses: frozenset[AuthorId | PersonaId] = frozenset()
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def text(self) -> str:
        """What the conversation knows of the message: heard words if spoken, else written ones."""
        return self.message.text if self.heard is None else self.heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """The versions of one reply in the order they were made, and which one stands (from 0)."""

    entries: Sequence[HistoryEntry]
    active: int
