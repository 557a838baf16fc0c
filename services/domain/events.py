"""News inside the process: published after the fact, never waited for by the publisher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.domain.ids import ConversationId, MessageId, PersonaId, TurnId
from services.domain.messages import HistoryEntry
from services.domain.replies import Terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecorded:
    """A message is in the history."""

    entry: HistoryEntry
    kind: Literal["message_recorded"] = "message_recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A recorded message has new text."""

    entry: HistoryEntry
    kind: Literal["message_edited"] = "message_edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRemoved:
    """A recorded message is gone from its conversation."""

    conversation: ConversationId
    message: MessageId
    kind: Literal["message_removed"] = "message_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnConcluded:
    """A turn has ended and what it delivered is stored."""

    conversation: ConversationId
    persona: PersonaId
    terminal: Terminal
    hop: int
    kind: Literal["turn_concluded"] = "turn_concluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnUndone:
    """A turn's messages are gone from the conversation's active branch."""

    conversation: ConversationId
    turn: TurnId
    messages: tuple[MessageId, ...]
    kind: Literal["turn_undone"] = "turn_undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchChanged:
    """Other messages stand in a conversation than before; ``moved`` ones have a new place."""

    conversation: ConversationId
    moved: tuple[MessageId, ...] = ()
    kind: Literal["branch_changed"] = "branch_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """The gate let a message pass without an answer."""

    conversation: ConversationId
    message: MessageId
    reason: str
    kind: Literal["suppressed"] = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line the operator should see, such as a restarted engine."""

    code: str
    text: str
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class CharactersChanged:
    """Characters were added, have a new version or name, or are gone; turns begun keep theirs."""

    added: tuple[PersonaId, ...] = ()
    changed: tuple[PersonaId, ...] = ()
    removed: tuple[PersonaId, ...] = ()
    kind: Literal["characters_changed"] = "characters_changed"


DomainEvent = (
    MessageRecorded
    | MessageEdited
    | MessageRemoved
    | TurnConcluded
    | TurnUndone
    | BranchChanged
    | Suppressed
    | Notice
    | CharactersChanged
)
