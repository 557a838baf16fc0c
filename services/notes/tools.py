"""Tools that write notes and find them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from services.notes.note import LONGEST_CATEGORY, LONGEST_NOTE, Note
from services.notes.service import Notes
from services.toolbox.spec import Effect, ToolContext, ToolSpec, asked_by

_WORDS = ("note", "notes", "jot", "notiz", "notizen", "notiere", "aufschreiben", "memo")
_LONGEST_SHOWN = 300
_MOST_SHOWN = 15


class _Written(BaseModel):
    content: str = Field(min_length=1, max_length=LONGEST_NOTE, description="What to write down.")
    category: str = Field("general", max_length=LONGEST_CATEGORY)


class _Searched(BaseModel):
    query: str = Field(min_length=1, max_length=300, description="What the note is about.")


class _Listed(BaseModel):
    category: str | None = Field(None, max_length=LONGEST_CATEGORY)


class _Numbered(BaseModel):
    number: int = Field(ge=1, le=2**31 - 1, description="The note's number.")


class _Changed(_Numbered):
    content: str = Field(min_length=1, max_length=LONGEST_NOTE, description="What it says now.")


def note_tools(notes: Notes) -> Sequence[ToolSpec]:
    """Return the tools; they act on the notes of whoever asks."""

    async def add(given: _Written, context: ToolContext) -> str:
        note = await notes.add(
            given.content,
            category=given.category,
            by=asked_by(context),
            where=context.conversation,
        )
        return f"Written down as note {note.number}."

    async def search(given: _Searched, context: ToolContext) -> str:
        return _told(await notes.search(given.query, by=asked_by(context)))

    async def listed(given: _Listed, context: ToolContext) -> str:
        return _told(await notes.listed(by=asked_by(context), category=given.category))

    async def edit(given: _Changed, context: ToolContext) -> str:
        note = await notes.edit(given.number, by=asked_by(context), content=given.content)
        return f"Note {note.number} is changed."

    async def delete(given: _Numbered, context: ToolContext) -> str:
        await notes.delete(given.number, by=asked_by(context))
        return f"Note {given.number} is deleted."

    return [
        ToolSpec(
            name="add_note",
            area="notes",
            description="Writes a note down for the person who asks.",
            parameters=_Written,
            handler=add,
            keywords=(*_WORDS, "write", "schreib"),
            effect=Effect.OWN,
            untrusted=False,
        ),
        ToolSpec(
            name="search_notes",
            area="notes",
            description="Finds the person's own notes by words or meaning.",
            parameters=_Searched,
            handler=search,
            keywords=(*_WORDS, "wrote", "find"),
        ),
        ToolSpec(
            name="list_notes",
            area="notes",
            description="Lists the person's own notes, all or of one category.",
            parameters=_Listed,
            handler=listed,
            keywords=_WORDS,
        ),
        ToolSpec(
            name="edit_note",
            area="notes",
            description="Changes what a note of the person says.",
            parameters=_Changed,
            handler=edit,
            keywords=_WORDS,
            effect=Effect.OWN,
            untrusted=False,
        ),
        ToolSpec(
            name="delete_note",
            area="notes",
            description="Deletes a note of the person.",
            parameters=_Numbered,
            handler=delete,
            keywords=_WORDS,
            effect=Effect.OWN,
            untrusted=False,
        ),
    ]


def _told(found: Iterable[Note]) -> str:
    lines = []
    for note in found:
        shown = " ".join(note.content.split())
        cut = "..." if len(shown) > _LONGEST_SHOWN else ""
        lines.append(f"{note.number} [{note.category}]: {shown[:_LONGEST_SHOWN]}{cut}")
    more = len(lines) - _MOST_SHOWN
    tail = [f"and {more} more"] if more > 0 else []
    return "\n".join([*lines[:_MOST_SHOWN], *tail]) or "There are no such notes."
