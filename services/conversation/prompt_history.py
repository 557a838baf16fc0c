"""How history becomes messages of a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.domain.ids import AuthorId, MessageId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.llm.model import PromptRole
from services.persona.assembly.material import CHAT, Piece
from services.persona.character import Persona


def prompt_history(
    history: Sequence[HistoryEntry],
    persona: Persona,
    *,
    group: bool = False,
    names: Mapping[AuthorId, str] | None = None,
    texts: Mapping[MessageId, str] | None = None,
) -> list[Piece]:
    """Return ``history`` as ``persona`` sees it: its own words as assistant, others' as user.

    Speakers are named in the text as soon as more than one of them talks to the persona. In a
    ``group`` all are, and all characters' words are the assistant's, so that the history reads the
    same whoever speaks next. ``names`` are what people are called instead of their accounts' names,
    ``texts`` what some messages say instead.
    """
    names, texts = names or {}, texts or {}
    others = {
        entry.message.author.id for entry in history if entry.message.author.persona != persona.id
    }
    named = group or len(others) > 1
    pieces = []
    for entry in history:
        message, author = entry.message, entry.message.author
        is_persona = author.kind is AuthorKind.PERSONA
        own = is_persona and author.persona == persona.id
        text = texts.get(message.id, entry.text)
        if attachments := message.attachments:
            listed = ", ".join(f"{part.kind} {part.name}" for part in attachments)
            text = f"{text}\n[attached: {listed}]".strip()
        if not text or text.isspace():
            continue
        if named and (group or not own):
            text = f"{names.get(author.id, author.display_name)}: {text}"
        assistant = own or (group and is_persona)
        pieces.append(
            Piece(
                role=PromptRole.ASSISTANT if assistant else PromptRole.USER,
                content=text.replace("\r", ""),
                source=CHAT,
                ordinal=entry.ordinal,
            )
        )
    return pieces
