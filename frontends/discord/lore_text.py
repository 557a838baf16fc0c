"""How lorebooks read on Discord."""

from __future__ import annotations

from collections.abc import Sequence

from frontends.discord.memory_text import shown
from frontends.discord.paging import bundled
from services.conversation.bookmarks import Bookmarks
from services.conversation.lore_trial import Woken
from services.persona.lore.entry import Lorebook, LoreEntry

_MOST_KEYS = 8


def bookmarks_text(marks: Bookmarks) -> str:
    """Return which books hold, and which there are."""
    return (
        f"**Here**: {_listed(marks.here)}\n**Always with you**: {_listed(marks.always)}\n"
        f"**There are**: {_listed(marks.known)}\n"
        "-# A character may carry a book of its own, which is not listed here."
    )


def book_pages(book: Lorebook) -> list[str]:
    """Return the entries of a book, as pages."""
    head = f"**{shown(book.name)}**: {len(book.entries)} entries"
    return bundled([head, *map(_entry, book.entries)])


def woken_pages(woken: Woken) -> list[str]:
    """Return what a message would wake and why, as pages."""
    name = shown(woken.persona.name)
    head = (
        f"{name} would be told {len(woken.activated)} entries, {woken.tokens} tokens:"
        if woken.activated
        else f"That would wake no entry for {name}."
    )
    blocks = [
        f"**{shown(one.book)}** {_titled(one.entry)}\n-# {shown(one.reason)}"
        for one in woken.activated
    ]
    blocks += [
        f"Left out: {shown(one.book)} #{one.uid}\n-# {shown(one.reason)}" for one in woken.skipped
    ]
    if woken.missing:
        blocks.append(f"Books that cannot be read: {_listed(woken.missing)}")
    return bundled([head, *blocks])


def _entry(entry: LoreEntry) -> str:
    marks = [
        word
        for word, holds in (
            ("off", entry.disabled),
            ("always", entry.constant),
            ("by meaning", entry.vectorized),
        )
        if holds
    ]
    keys = [*entry.keys[:_MOST_KEYS], *(["…"] if len(entry.keys) > _MOST_KEYS else [])]
    said = ", ".join([*marks, *([shown(", ".join(keys))] if keys else [])])
    return f"{_titled(entry)}: {shown(entry.content, longest=120)}\n-# {said or 'no keys'}"


def _titled(entry: LoreEntry) -> str:
    return f"#{entry.uid} {shown(entry.comment, longest=60)}".rstrip()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names) or "none"
