"""Rows that the chores look at."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from services.conversation.history_tree import open_conversation
from services.domain.ids import ConversationId
from tests.fakes.clock import ManualClock

NOW = ManualClock().now()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BUSY = ConversationId("test", "a", "b")
QUIET = ConversationId("test", "c", "d")


def converse(connection: Connection) -> None:
    """Store two conversations."""
    for conversation in (BUSY, QUIET):
        open_conversation(connection, conversation, at=NOW)


def turn(
    name: str, ended: datetime | None, *, conversation: ConversationId = BUSY
) -> dict[str, object]:
    """An explained turn, open without an end."""
    return {
        "id": name,
        "conversation_id": str(conversation),
        "persona_id": "mira",
        "persona_name": "Mira",
        "kind": "reply",
        "modality": "text",
        "state": "open" if ended is None else "finished",
        "hop": 0,
        "started_at": NOW - 999 * DAY,
        "ended_at": ended,
        "delivered": "",
        "sentences": 0,
        "why": {"gate": "private"},
    }
