"""How history becomes messages of a prompt, and what macros and lorebooks read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.conversation.file_names import shown_name
from services.domain.ids import AuthorId, MessageId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.llm.model import PromptRole
from services.persona.assembly.material import CHAT, Piece
from services.persona.character import Persona
from services.persona.macros.environment import ChatLine


@dataclass(frozen=True, slots=True)
class Retold:
    """A history as one character knows it: for the prompt, and for macros and lorebooks."""

    pieces: Sequence[Piece]
    lines: Sequence[ChatLine]


NOTHING_TOLD = Retold((), ())
"""The history of a conversation in which nobody has spoken."""


def retell(
    history: Sequence[HistoryEntry],
    persona: Persona,
    *,
    group: bool = False,
    names: Mapping[AuthorId, str] | None = None,
    texts: Mapping[MessageId, str] | None = None,
) -> Retold:
    """Return ``history`` as ``persona`` sees it: its own words as assistant, others' as user.

    Speakers are named in the prompt as soon as more than one of them talks to the persona. In a
    ``group`` all are, and all characters' words are the assistant's, so that the history reads the
    same whoever speaks next. ``names`` are what people are called instead of their accounts' names,
    ``texts`` what some messages say instead. Messages that say nothing are left out.
    """
    names, texts = names or {}, texts or {}
    others = {
        entry.message.author.id for entry in history if entry.message.author.persona != persona.id
    }
    named = group or len(others) > 1
    pieces: list[Piece] = []
    lines: list[ChatLine] = []
    for entry in history:
        message = entry.message
        author = message.author
        name = names.get(author.id, author.display_name)
        is_persona = author.kind is AuthorKind.PERSONA
        own = is_persona and author.persona == persona.id
        assistant = own or (group and is_persona)
        text = texts[message.id] if message.id in texts else entry.text  # noqa: SIM401  a property
        if text and not text.isspace():
            lines.append(ChatLine(name=name, text=text, is_user=not assistant))
        if attachments := message.attachments:
            listed = ", ".join(f"{part.kind} {shown_name(part.name)}" for part in attachments)
            text = f"{text}\n[attached: {listed}]".strip()
        elif not text or text.isspace():
            continue
        if named and (group or not own):
            text = f"{name}: {text}"
        pieces.append(
            Piece(
                role=PromptRole.ASSISTANT if assistant else PromptRole.USER,
                content=text.replace("\r", ""),
                source=CHAT,
                ordinal=entry.ordinal,
            )
        )
    return Retold(pieces, lines)
