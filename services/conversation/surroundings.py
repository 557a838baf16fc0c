"""What macros know in a conversation: names, the moment, what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.domain.ids import AuthorId, MessageId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief, TurnKind
from services.persona.character import Persona
from services.persona.macros.environment import ChatLine

GENERATIONS: Mapping[TurnKind, str] = {
    TurnKind.REPLY: "normal",
    TurnKind.REGENERATE: "regenerate",
    TurnKind.CONTINUE: "continue",
    TurnKind.INITIATIVE: "quiet",
}
"""What SillyTavern calls the kinds of turns."""


def chat_lines(
    history: Sequence[HistoryEntry],
    persona: Persona,
    *,
    names: Mapping[AuthorId, str],
    group: bool,
    texts: Mapping[MessageId, str] | None = None,
) -> list[ChatLine]:
    """Return ``history`` as macros and lorebooks see it, without messages that say nothing.

    ``names`` are what people are called instead of their accounts' names, ``texts`` what some
    messages say instead. Outside a ``group`` other characters count as users.
    """
    texts = texts or {}
    lines = []
    for entry in history:
        message, author = entry.message, entry.message.author
        text = texts.get(message.id, entry.text)
        if text and not text.isspace():
            user = author.kind is not AuthorKind.PERSONA if group else author.persona != persona.id
            name = names.get(author.id, author.display_name)
            lines.append(ChatLine(name=name, text=text, is_user=user))
    return lines


def last_user_at(history: Sequence[HistoryEntry], brief: TurnBrief) -> datetime | None:
    """Return when a person last spoke before what is being answered."""
    answered = {message.id for message in brief.burst}
    for entry in reversed(history):
        if entry.message.author.kind is AuthorKind.HUMAN and entry.message.id not in answered:
            return entry.message.created_at
    return None
