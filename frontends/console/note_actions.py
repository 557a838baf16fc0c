"""Commands for the person's notes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.notes.note import Note

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_USAGE = (
    "Write /notes, /notes CATEGORY, or /notes search WORDS, show NUMBER, edit NUMBER TEXT, "
    "pin NUMBER, unpin NUMBER, share NUMBER, withdraw NUMBER, shared or export."
)
_CLEAR_USAGE = "Write /clearnotes all, or the category after it."


async def _note(talk: Talk, argument: str) -> None:
    category, text = _category_of(argument)
    note = await talk.notes.add(text, category=category, by=talk.author, where=talk.conversation)
    _report(talk, [f"Written down as note {note.number} in {note.category}."], [note])


def _category_of(argument: str) -> tuple[str | None, str]:
    """Return the category in brackets before a note, if there is one, and the note."""
    if argument.startswith("[") and "]" in argument:
        category, _, text = argument[1:].partition("]")
        return category, text
    return None, argument


async def _notes(talk: Talk, argument: str) -> None:
    word, _, rest = argument.partition(" ")
    action = _ACTIONS.get(word.lower())
    if action is not None:
        await action(talk, rest.strip())
        return
    found = await talk.notes.listed(by=talk.author, category=argument or None)
    _show(talk, found)


async def _search(talk: Talk, rest: str) -> None:
    _show(talk, await talk.notes.search(rest, by=talk.author))


async def _show_one(talk: Talk, rest: str) -> None:
    note = await talk.notes.show(_number(rest), by=talk.author)
    _report(talk, [_head(note), *note.content.splitlines()], [note])


async def _edit(talk: Talk, rest: str) -> None:
    number, _, content = rest.partition(" ")
    note = await talk.notes.edit(_number(number), by=talk.author, content=content)
    _show(talk, [note])


async def _pin(talk: Talk, rest: str) -> None:
    _show(talk, [await talk.notes.pin(_number(rest), by=talk.author)])


async def _unpin(talk: Talk, rest: str) -> None:
    _show(talk, [await talk.notes.pin(_number(rest), by=talk.author, pinned=False)])


async def _share(talk: Talk, rest: str) -> None:
    note = await talk.notes.share(_number(rest), by=talk.author, where=talk.conversation)
    _show(talk, [note])


async def _withdraw(talk: Talk, rest: str) -> None:
    _show(talk, [await talk.notes.withdraw(_number(rest), by=talk.author)])


async def _shared(talk: Talk, rest: str) -> None:
    if rest:
        raise InvalidRequest("notes_usage", _USAGE)
    _show(talk, await talk.notes.shared(talk.conversation))


async def _export(talk: Talk, rest: str) -> None:
    if rest:
        raise InvalidRequest("notes_usage", _USAGE)
    text = await talk.notes.export(by=talk.author)
    talk.view.report(Report(kind="notes", lines=text.splitlines(), fields={"markdown": text}))


async def _delete(talk: Talk, argument: str) -> None:
    number = _number(argument)
    await talk.notes.delete(number, by=talk.author)
    _report(talk, [f"Note {number} is deleted."], [])


async def _clear(talk: Talk, argument: str) -> None:
    if not argument:
        raise InvalidRequest("notes_usage", _CLEAR_USAGE)
    category = None if argument.lower() == "all" else argument
    count = await talk.notes.clear(by=talk.author, category=category)
    talk.view.report(
        Report(kind="notes", lines=[f"Notes deleted: {count}."], fields={"deleted": count})
    )


_ACTIONS: Mapping[str, Callable[[Talk, str], Awaitable[None]]] = {
    "search": _search,
    "show": _show_one,
    "edit": _edit,
    "pin": _pin,
    "unpin": _unpin,
    "share": _share,
    "withdraw": _withdraw,
    "shared": _shared,
    "export": _export,
}


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 10:
        raise InvalidRequest("notes_usage", _USAGE)
    return int(text)


def _show(talk: Talk, notes: Sequence[Note]) -> None:
    lines = [f"{_head(note)} {' '.join(note.content.split())}" for note in notes]
    _report(talk, lines or ["There are no such notes."], notes)


def _head(note: Note) -> str:
    pin = " (pinned)" if note.pinned else ""
    return f"{note.number} [{note.category}]{pin}"


def _report(talk: Talk, lines: Sequence[str], notes: Sequence[Note]) -> None:
    talk.view.report(
        Report(kind="notes", lines=lines, fields={"notes": [note.as_json() for note in notes]})
    )


NOTE_COMMANDS = (
    SlashCommand(
        name="note",
        argument="TEXT",
        summary="Write a note; a category may stand before it in brackets.",
        perform=_note,
    ),
    SlashCommand(
        name="notes",
        argument="[CATEGORY|search|show|edit|pin|unpin|share|withdraw|shared|export]",
        summary="List your notes, or find, change, share and export them.",
        perform=_notes,
    ),
    SlashCommand(name="delnote", argument="NUMBER", summary="Delete a note.", perform=_delete),
    SlashCommand(
        name="clearnotes",
        argument="all|CATEGORY",
        summary="Delete your notes, all or those of a category.",
        perform=_clear,
    ),
)
