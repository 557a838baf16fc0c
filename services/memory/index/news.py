"""What has happened to conversations since their messages were last indexed."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.domain.events import (
    BranchChanged,
    DomainEvent,
    MessageEdited,
    MessageRecorded,
    MessageRemoved,
    TurnConcluded,
    TurnUndone,
)

_MOST = 1000

FOLLOWED = (
    "message_recorded",
    "message_edited",
    "message_removed",
    "turn_concluded",
    "turn_undone",
    "branch_changed",
)
"""Kinds of the events that change what can be recalled."""


@dataclass(slots=True)
class News:
    """Conversations with something new, messages that changed, conversations whose branch moved.

    Bounded: where more happened than is worth noting one by one, ``lost`` asks for a sweep.
    """

    spoken: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    moved: dict[str, None] = field(default_factory=dict)
    lost: bool = False

    def note(self, event: DomainEvent) -> None:
        """Take in an event."""
        if isinstance(event, MessageRecorded):
            self._add(self.spoken, str(event.entry.message.conversation))
        elif isinstance(event, MessageEdited):
            self._add(self.changed, event.entry.message.id)
        elif isinstance(event, MessageRemoved):
            self._add(self.changed, event.message)
        elif isinstance(event, TurnUndone):
            self._add(self.moved, str(event.conversation))
        elif isinstance(event, BranchChanged):
            self._add(self.moved, str(event.conversation))
            for message in event.moved:
                self._add(self.changed, message)
        elif isinstance(event, TurnConcluded):
            self._add(self.spoken, str(event.conversation))
            if event.terminal.reply is not None:  # which may have been there and gone on
                self._add(self.changed, event.terminal.reply.message)

    def _add(self, kept: dict[str, None], name: str) -> None:
        if len(kept) < _MOST:
            kept[name] = None
        else:
            self.lost = True
