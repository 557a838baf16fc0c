"""Putting lorebooks into their folder, whole or not at all, and never over another by accident."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import InvalidRequest, StorageError
from services.persona.lore.books import read_book_file
from services.persona.lore.entry import Lorebook

MOST_FILES = 1000
"""Lorebooks a folder may have before none is added any more."""
LONGEST_NAME = 60

_BEFORE = ".before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A file that is to become the lorebook called ``name``."""

    name: str
    content: bytes
    replace: bool = False


class LorebookTaken(InvalidRequest):
    """There is a lorebook of that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "lorebook_taken",
            f"There is a lorebook called {name} already; choose another name, or replace it.",
        )


def put_book(folder: Path, offered: Offered, *, most_entries: int) -> Lorebook:
    """Write a lorebook of any known format into ``folder`` and return it. Blocking.

    One that is replaced stays beside it as ``<name>.json.before``. Raises ``LorebookTaken``,
    ``InvalidRequest`` for a file or name that cannot be used, ``StorageError``.
    """
    name = _checked(offered.name)
    book = read_book_file(offered.content, name=name, most_entries=most_entries)
    if not book.entries:
        raise InvalidRequest("lorebook_empty", f"There are no lorebook entries in {name}.")
    path = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists() and sum(1 for _ in folder.glob("*.json")) >= MOST_FILES:
            raise InvalidRequest(
                "lorebook_folder_full", f"{MOST_FILES} lorebooks are kept; delete one first."
            )
        _write(path, offered)
    except OSError as error:
        reason = error.strerror or "it failed"
        raise StorageError("lorebook_unwritable", f"That cannot be written: {reason}.") from error
    return book


def _write(path: Path, offered: Offered) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=".book-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(offered.content)
        Path(unfinished).chmod(0o644)
        if offered.replace:
            _keep_former(path)
            Path(unfinished).replace(path)
        else:
            path.hardlink_to(unfinished)
    except FileExistsError:
        raise LorebookTaken(path.stem) from None
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _keep_former(path: Path) -> None:
    before = path.with_name(path.name + _BEFORE)
    before.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        before.hardlink_to(path)


def _checked(name: str) -> str:
    name = " ".join(name.split()).removesuffix(".json").strip()
    bad = not name.isprintable() or name.startswith(".") or set(name) & set('/\\,:*?"<>|')
    if bad or not 0 < len(name) <= LONGEST_NAME:
        raise InvalidRequest(
            "lorebook_name",
            f"A lorebook's name has 1 to {LONGEST_NAME} letters, digits, spaces and hyphens.",
        )
    return name
