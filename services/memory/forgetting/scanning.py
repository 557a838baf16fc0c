"""Looking for pieces of text in the raw bytes of files."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ahocorasick_rs import BytesAhoCorasick

# Searching and building hold up other threads, so both happen in pieces of some milliseconds.
_BLOCK = 128 * 1024
_STRINGS_AT_ONCE = 250
_SHORTEST, _LONGEST = 8, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was read and how many times something sought was found, by file."""

    files: int = 0
    bytes: int = 0
    strings: int = 0
    found: tuple[tuple[str, int], ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether everything could be read and nothing was found."""
        return not self.found and not self.unread


def scan(folder: Path, strings: Collection[str], *, but: Collection[Path] = ()) -> Scan:
    """Search every file below ``folder`` for ``strings`` as UTF-8, UTF-16 and within JSON; blocks.

    Follows no links; files below ``but`` are left out. Strings of fewer than eight characters are
    not sought, as their bytes occur by chance, and of longer ones the first 32 are.
    """
    sought = sorted({text[:_LONGEST] for text in strings if len(text) >= _SHORTEST})
    automata = []
    overlap = 0
    for start in range(0, len(sought), _STRINGS_AT_ONCE):
        some = sought[start : start + _STRINGS_AT_ONCE]
        patterns = sorted({form for text in some for form in _forms(text)})
        automata.append(BytesAhoCorasick(patterns))
        overlap = max(overlap, *(len(pattern) - 1 for pattern in patterns))
    files, size = 0, 0
    found: list[tuple[str, int]] = []
    unread: list[str] = []
    for path in _files(folder, but):
        name = path.relative_to(folder).as_posix()
        try:
            read, hits = _search(path, automata, overlap)
        except FileNotFoundError:
            continue
        except OSError:
            unread.append(name)
            continue
        files, size = files + 1, size + read
        if hits:
            found.append((name, hits))
    return Scan(
        files=files, bytes=size, strings=len(sought), found=tuple(found), unread=tuple(unread)
    )


def blank_lines(path: Path, spans: Sequence[tuple[int, int]]) -> None:
    """Write spaces over parts of a file, from first to last byte; blocks, raises ``OSError``.

    The file keeps its length and its place on the disk, so whoever appends to it is not disturbed.
    """
    with path.open("r+b") as file:
        for start, end in spans:
            file.seek(start)
            file.write(b" " * (end - start))
        file.flush()
        os.fsync(file.fileno())


def _search(path: Path, automata: Sequence[BytesAhoCorasick], overlap: int) -> tuple[int, int]:
    size, hits, tail = 0, 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            joined = tail + block
            found = sum(len(each.find_matches_as_indexes(joined)) for each in automata)
            hits += found
            tail = joined[len(joined) - overlap :] if overlap and not found else b""
    return size, hits


def _forms(text: str) -> Iterable[bytes]:
    clean = text.encode("utf-8", "replace")
    yield clean
    yield text.encode("utf-16-le", "replace")
    yield text.encode("utf-16-be", "replace")
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


def _files(folder: Path, but: Collection[Path]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if Path(root) / name not in but)
        for name in sorted(names):
            path = Path(root) / name
            try:
                regular = stat.S_ISREG(path.lstat().st_mode)
            except FileNotFoundError:
                continue
            if regular and path not in but:
                yield path
