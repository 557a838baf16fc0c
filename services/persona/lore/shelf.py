"""The lorebooks there are: those in files, and those that characters carry or link to."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from services.domain.errors import InvalidRequest, NotFound
from services.persona.cards.shelves import places_in
from services.persona.character import Persona
from services.persona.lore.books import MOST_ENTRIES, card_lorebook, read_book_file
from services.persona.lore.entry import Lorebook, Scope
from services.persona.lore.shelving import Offered, put_book

logger = logging.getLogger(__name__)

_KEPT_CARDS = 256
_KEPT_FILES = 256

Stamp = tuple[int, int]


class LoreShelf:
    """Lorebooks of ``folder`` by file name without ending, read again when their file changes.

    ``beside`` are folders of characters: a card can link to a ``lorebook.json`` in them by the
    name the book gives itself. The books of cards are kept by the card's version; at most 256 of
    either kind are held.
    """

    def __init__(
        self, folder: Path, *, most_entries: int = MOST_ENTRIES, beside: Sequence[Path] = ()
    ) -> None:
        self.folder = folder
        self._beside = tuple(beside)
        self._most_entries = most_entries
        self._files: OrderedDict[tuple[Path, Scope], tuple[Stamp, Lorebook]] = OrderedDict()
        self._cards: OrderedDict[tuple[str, str], Lorebook | None] = OrderedDict()
        self._titles: dict[Path, tuple[object, str]] = {}

    async def book(self, name: str, scope: Scope) -> Lorebook:
        """Return the book called ``name``. Raises ``NotFound``, ``InvalidRequest``."""
        if not name or Path(name).name != name:
            raise _missing(name)
        return await self._book_in(self.folder / f"{name}.json", name, scope)

    def names(self) -> list[str]:
        """Return the names of the books in the folder."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    async def put(self, offered: Offered) -> Lorebook:
        """Add a book to the folder and return it; raises what ``put_book`` does."""
        return await asyncio.to_thread(
            put_book, self.folder, offered, most_entries=self._most_entries
        )

    async def of_persona(self, persona: Persona) -> tuple[list[Lorebook], list[str]]:
        """Return the books of a character, and the names of those it links to that are not there.

        The world its card names comes from the folder of lorebooks or else from beside a card. A
        book in the card that has the same name is a copy of that world and does not count twice.
        """
        own = self.of_card(persona)
        books = [] if own is None else [own]
        world = persona.character.world
        if not world:
            return books, []
        try:
            return [*_others(books, world), await self.book(world, Scope.CHARACTER)], []
        except NotFound:
            if own is not None and own.name == world:
                return books, []
        except InvalidRequest:
            return books, [world]
        path = await asyncio.to_thread(self._path_beside, world)
        if path is None:
            return books, [world]
        try:
            return [*books, await self._book_in(path, world, Scope.CHARACTER)], []
        except (NotFound, InvalidRequest):
            return books, [world]

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

    async def _book_in(self, path: Path, name: str, scope: Scope) -> Lorebook:
        """Return the book in a file; scanners know it by its identity, so each scope has one."""
        stamp = await asyncio.to_thread(_stamp, path)
        if stamp is None:
            raise _missing(name)
        key = path, scope
        kept = self._files.get(key)
        if kept is None or kept[0] != stamp:
            book = await asyncio.to_thread(self._read, path, name)
            kept = self._files[key] = stamp, replace(book, scope=scope)
            while len(self._files) > _KEPT_FILES:
                self._files.popitem(last=False)
        if key in self._files:
            self._files.move_to_end(key)
        return kept[1]

    def _path_beside(self, world: str) -> Path | None:
        """Return the lorebook beside a card whose name is ``world``; blocking."""
        titles: dict[Path, tuple[object, str]] = {}
        for folder in self._beside:
            for place in places_in(folder):
                path = place.book
                if path is None:
                    continue
                kept = self._titles.get(path)
                if kept is None or kept[0] != place.stamps[1]:
                    kept = place.stamps[1], self._title(path)
                titles[path] = kept
        self._titles = titles
        return next((path for path, (_, title) in titles.items() if title == world), None)

    def _title(self, path: Path) -> str:
        try:
            return self._read(path, path.parent.name).name
        except (NotFound, InvalidRequest):
            return ""

    def _read(self, path: Path, name: str) -> Lorebook:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _missing(name) from error
        return read_book_file(content, name=name, most_entries=self._most_entries)


def _others(books: Sequence[Lorebook], name: str) -> list[Lorebook]:
    return [book for book in books if book.name != name]


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a name with a NUL in it
        return None
    return found.st_mtime_ns, found.st_size


def _missing(name: str) -> NotFound:
    return NotFound("no_lorebook", f"There is no lorebook called {name!r} in data/lorebooks.")
