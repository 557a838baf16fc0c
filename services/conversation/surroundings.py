"""What macros know of the turn they are filled in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief, TurnKind

GENERATIONS: Mapping[TurnKind, str] = {
    TurnKind.REPLY: "normal",
    TurnKind.REGENERATE: "regenerate",
    TurnKind.CONTINUE: "continue",
    TurnKind.INITIATIVE: "quiet",
}
"""What SillyTavern calls the kinds of turns."""


def last_user_at(history: Sequence[HistoryEntry], brief: TurnBrief) -> datetime | None:
    """Return when a person last spoke before what is being answered."""
    answered = {message.id for message in brief.burst}
    for entry in reversed(history):
        if entry.message.author.kind is AuthorKind.HUMAN and entry.message.id not in answered:
            return entry.message.created_at
    return None
