"""Finding the cards in a folder of characters."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from services.persona.cards.jsontree import sound

CARD = "card.json"
"""The card in the folder of a character; what it holds, not its name, says which kind it is."""

LOREBOOK = "lorebook.json"
"""The lorebook beside the card in the folder of a character."""

PICTURES = ("avatar.png", "avatar.jpg", "avatar.webp", "avatar.gif")
"""What the picture in the folder of a character can be called."""

ASSETS, FILES, VERSIONS = FOLDERS = ("assets", "files", "versions")
"""The folders in that of a character: the card's files, others of its archive, earlier versions."""

MOST_CARDS = 10_000
"""Cards of one folder that are looked at; further ones, by name, are left out."""

CARD_FILES = (".png", ".json", ".charx", ".webp", ".byaf", ".jpg", ".jpeg")
"""How the names of cards end that lie in a folder of characters themselves."""

_LONGEST_SLUG = 60
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_PARTS = frozenset({LOREBOOK, *PICTURES, *FOLDERS})
_NAMELESS = "card"

Stamp = tuple[int, int, int, int] | None
"""What tells two states of a file apart: change times, size, inode; ``None`` without a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlace:
    """Where a character lies: a folder with a card in it, or a file that is a card.

    ``name`` is that of the folder or file; ``stamps`` are the states of card and lorebook.
    """

    name: str
    card: str
    is_folder: bool
    stamps: tuple[Stamp, Stamp]

    @property
    def slug(self) -> str:
        """What the character is called by where it lies."""
        return self.name if self.is_folder else slug_of(Path(self.name).stem) or _NAMELESS

    @property
    def book(self) -> Path | None:
        """The lorebook beside the card, if there is one."""
        return None if self.stamps[1] is None else Path(self.card).with_name(LOREBOOK)


def slug_of(name: str) -> str:
    """Return the folder name for a character called ``name``; empty when nothing is left of it.

    Letters and digits of every script stay, everything between them becomes one hyphen.
    """
    words = _BETWEEN_WORDS.sub("-", unicodedata.normalize("NFKC", name).casefold())
    return words.strip("-")[:_LONGEST_SLUG].strip("-")


def places_in(folder: Path) -> list[CardPlace]:
    """Return every place of a card in ``folder``: folders first, then files, each by name.

    Nothing is opened. Hidden names are passed over; a missing ``folder`` has no places. Blocking;
    raises ``OSError`` when it cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            found = [place for entry in entries if (place := _place(entry)) is not None]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda place: (not place.is_folder, place.name))[:MOST_CARDS]


def cards_in(folder: Path) -> list[Path]:
    """Return every file in ``folder`` and below, by path; hidden ones and links are left out.

    What belongs to a character's ``card.json`` is left out, too: picture, lorebook, other files.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        parts = _PARTS if CARD in files else frozenset[str]()
        folders[:] = sorted(name for name in folders if not (name.startswith(".") or name in parts))
        names = (name for name in sorted(files) if not (name.startswith(".") or name in parts))
        paths = (Path(place, name) for name in names)
        found.extend(path for path in paths if path.is_file() and not path.is_symlink())
    return found


def _place(entry: os.DirEntry[str]) -> CardPlace | None:
    name = entry.name
    if name.startswith(".") or sound(name) != name:
        return None
    if entry.is_dir():
        card = f"{entry.path}/{CARD}"
        stamp = _stamp(card)
        if stamp is None:
            return None
        stamps = (stamp, _stamp(f"{entry.path}/{LOREBOOK}"))
        return CardPlace(name=name, card=card, is_folder=True, stamps=stamps)
    if not name.lower().endswith(CARD_FILES):
        return None
    return CardPlace(name=name, card=entry.path, is_folder=False, stamps=(_stamp(entry.path), None))


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116  thousands of them every second
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
