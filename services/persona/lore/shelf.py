"""The lorebooks there are: those in files, and those that characters carry."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from services.domain.errors import InvalidRequest, NotFound
from services.persona.character import Persona
from services.persona.lore.books import MOST_ENTRIES, card_lorebook, read_book_file
from services.persona.lore.entry import Lorebook, Scope

logger = logging.getLogger(__name__)

_KEPT_CARDS = 256
_KEPT_FILES = 256

Stamp = tuple[int, int]


class LoreShelf:
    """Lorebooks of ``folder`` by file name without ending, read again when their file changes.

    The books of cards are kept by the card's version; at most 256 of either kind are held.
    """

    def __init__(self, folder: Path, *, most_entries: int = MOST_ENTRIES) -> None:
        self.folder = folder
        self._most_entries = most_entries
        self._files: OrderedDict[str, tuple[Stamp, Lorebook]] = OrderedDict()
        self._cards: OrderedDict[tuple[str, str], Lorebook | None] = OrderedDict()

    async def book(self, name: str, scope: Scope) -> Lorebook:
        """Return the book called ``name``. Raises ``NotFound``, ``InvalidRequest``."""
        path = self.folder / f"{name}.json"
        if not name or Path(name).name != name:
            raise _missing(name)
        stamp = await asyncio.to_thread(_stamp, path)
        if stamp is None:
            raise _missing(name)
        kept = self._files.get(name)
        if kept is None or kept[0] != stamp:
            book = await asyncio.to_thread(self._read, path, name)
            kept = self._files[name] = stamp, book
            while len(self._files) > _KEPT_FILES:
                self._files.popitem(last=False)
        self._files.move_to_end(name)
        book = kept[1]
        if book.scope is not scope:
            # Scanners keep what they prepared by the book's identity, so each scope has one object.
            key = f"{scope}\x00{name}"
            scoped = self._files.get(key)
            if scoped is None or scoped[0] != stamp:
                scoped = self._files[key] = stamp, replace(book, scope=scope)
            book = scoped[1]
        return book

    def names(self) -> list[str]:
        """Return the names of the books in the folder."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def of_card(self, persona: Persona) -> Lorebook | None:
        """Return the book a character carries; one that cannot be read is logged and left out."""
        raw = persona.character.character_book
        if raw is None:
            return None
        key = persona.id, persona.version
        if key not in self._cards:
            try:
                self._cards[key] = card_lorebook(
                    raw, name=persona.character.name, most_entries=self._most_entries
                )
            except InvalidRequest as error:
                logger.warning(
                    "lorebook of a card left out",
                    extra={"persona": persona.id, "problem": error.user_message},
                )
                self._cards[key] = None
            while len(self._cards) > _KEPT_CARDS:
                self._cards.popitem(last=False)
        self._cards.move_to_end(key)
        return self._cards[key]

    def _read(self, path: Path, name: str) -> Lorebook:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _missing(name) from error
        return read_book_file(content, name=name, most_entries=self._most_entries)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _missing(name: str) -> NotFound:
    return NotFound("no_lorebook", f"There is no lorebook called {name!r} in data/lorebooks.")
