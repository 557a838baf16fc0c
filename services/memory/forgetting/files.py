"""Files of the data folder, other than the database, in which somebody's words may stand."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from services.memory.forgetting.redaction import Quotes
from services.memory.forgetting.scanning import blank_lines

logger = logging.getLogger(__name__)

CONSOLE_HISTORY = "console_history"
"""Lines typed at the terminal."""

_CACHES = ("clips", "models/prefixes")
_OLD_COPIES = ("backups/before-*", "replaced-*")
# Files that people put there, and what is cleaned by other means.
_LEFT_ALONE = (
    "backups", "blobs", "characters", "chroma", "documents", "lorebooks", "models", "restoring",
)  # fmt: skip
_DATABASE = "acore.db"
_LARGEST_LINE = 1 << 20


def drop_caches(data: Path) -> int:
    """Delete what is made again when needed: voice clips, evaluated prompts; return how many."""
    removed = 0
    for name in _CACHES:
        for path in _below(data / name):
            with suppress(FileNotFoundError):
                path.unlink()
                removed += 1
    return removed


def drop_console_history(data: Path) -> int:
    """Delete what was typed at the terminal."""
    path = data / CONSOLE_HISTORY
    if not path.exists():
        return 0
    path.unlink()
    return 1


def blank_quotes(data: Path, quotes: Quotes) -> int:
    """Write spaces over the lines of logs and other text files that quote; return how many.

    Blocks; files that cannot be read or written are named in the log and left to the scan.
    """
    blanked = 0
    for path in _texts(data):
        try:
            spans = list(_quoting(path, quotes))
            if spans:
                blank_lines(path, spans)
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning(
                "a file could not be cleaned", extra={"file": path.name, "reason": str(error)}
            )
            continue
        blanked += len(spans)
    return blanked


def move_old_copies(data: Path, backups: Path) -> int:
    """Move copies of the database out of the data folder, where backups expire; blocks.

    Upgrades and restores leave them. Raises ``OSError``.
    """
    moved = 0
    for pattern in _OLD_COPIES:
        for path in sorted(data.glob(pattern)):
            backups.mkdir(mode=0o700, parents=True, exist_ok=True)
            target = backups / path.name
            if target.exists():
                target = backups / f"{path.name}-{path.stat().st_mtime_ns}"
            shutil.move(path, target)
            moved += 1
    return moved


def _quoting(path: Path, quotes: Quotes) -> Iterator[tuple[int, int]]:
    at = 0
    with path.open("rb") as file:
        while line := file.readline(_LARGEST_LINE):
            end = at + len(line.rstrip(b"\r\n"))
            if end > at and quotes.redacted(_readable(line)) is not None:
                yield at, end
            at += len(line)


def _readable(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            return json.dumps(json.loads(text), ensure_ascii=False)
    return text


def _texts(data: Path) -> Iterator[Path]:
    for path in _below(data):
        parts = path.relative_to(data).parts
        if parts[0] in _LEFT_ALONE or parts[0].startswith(("replaced-", "restore-")):
            continue
        if not parts[0].startswith(_DATABASE):
            yield path


def _below(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                yield path
