"""The tool by which characters look things up in documents that were attached earlier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from pydantic import BaseModel, Field

from services.conversation.attached import AttachedFiles
from services.conversation.document_reading import is_document
from services.conversation.file_names import same_name, shown_name
from services.domain.errors import NotFound
from services.domain.ids import ConversationId, PersonaId
from services.domain.messages import BlobPart, HistoryEntry
from services.toolbox.spec import ToolContext, ToolSpec

_SEARCHED = 200
_MOST_NAMES = 10
_ROOM = 900
_SECONDS = 25.0


class Recent(Protocol):
    """Where a conversation's messages come from."""

    async def recent(self, conversation: ConversationId, limit: int) -> list[HistoryEntry]:
        """Return the newest entries of the active branch, oldest first."""
        ...


Known = Callable[
    [ConversationId, PersonaId, Sequence[HistoryEntry]], Awaitable[Sequence[HistoryEntry]]
]
"""Returns what a character knows of a conversation's entries."""


class _Question(BaseModel):
    name: str = Field(
        "", max_length=120, description="The file's name; empty for the one attached last."
    )
    question: str = Field(min_length=2, max_length=500, description="What to find in it.")


def document_tools(files: AttachedFiles, *, messages: Recent, known: Known) -> Sequence[ToolSpec]:
    """Return the tool; it reads only what was attached in the same conversation."""

    async def ask_document(given: _Question, context: ToolContext) -> str:
        entries = await messages.recent(context.conversation, _SEARCHED)
        heard = await known(context.conversation, context.persona, entries)
        part = _meant(given.name, _documents(heard))
        found = await files.passages(part, given.question, room=_ROOM)
        return f"From {shown_name(part.name)}:\n{found}"

    return (
        ToolSpec(
            name="ask_document",
            area="documents",
            description="Look something up in a file that somebody attached in this conversation. "
            "Name the page in your answer.",
            parameters=_Question,
            handler=ask_document,
            keywords=(
                "document",
                "file",
                "pdf",
                "page",
                "attached",
                "attachment",
                "report",
                "chapter",
                "dokument",
                "datei",
                "seite",
                "anhang",
            ),
            timeout=_SECONDS,
        ),
    )


def _documents(entries: Sequence[HistoryEntry]) -> Sequence[BlobPart]:
    """Return the attached documents, the newest first."""
    return [
        part
        for entry in reversed(entries)
        if entry.deleted_at is None
        for part in reversed(entry.message.attachments)
        if is_document(part)
    ]


def _meant(name: str, documents: Sequence[BlobPart]) -> BlobPart:
    if not documents:
        raise NotFound("document_none", "No document was attached here.")
    if not name.strip():
        return documents[0]
    for part in documents:
        if same_name(name, part.name):
            return part
    listed = ", ".join(dict.fromkeys(shown_name(part.name) for part in documents[:_MOST_NAMES]))
    raise NotFound("document_unknown", f"No such file was attached here; there are: {listed}.")
