"""The documents folder: one folder per category, in it files at any depth."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

GENERAL = "general"
"""The category of files that lie in the documents folder itself."""
MOST_FILES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file as it lies there; ``path`` is relative to its category's folder."""

    category: str
    path: str
    file: Path
    size: int
    modified_ns: int


def files_in(folder: Path) -> dict[tuple[str, str], Found]:
    """Return the files under ``folder`` by category and path; hidden ones and links are left out.

    Blocks. A folder that is not there, or cannot be read, holds nothing; beyond ``MOST_FILES``
    the rest is left out.
    """
    found: dict[tuple[str, str], Found] = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(parent) / name
            if name.startswith(".") or file.is_symlink():
                continue
            try:
                status = file.stat()
            except OSError:
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            inside = file.relative_to(folder).parts
            category = inside[0].casefold() if len(inside) > 1 else GENERAL
            path = "/".join(inside[1:]) if len(inside) > 1 else name
            found[category, path] = Found(
                category=category,
                path=path,
                file=file.absolute(),
                size=status.st_size,
                modified_ns=status.st_mtime_ns,
            )
            if len(found) >= MOST_FILES:
                return found
    return found


def sha256_of(file: Path) -> str:
    """Return the checksum of a file's content. Blocks; raises ``OSError``."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
