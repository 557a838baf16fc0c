"""A log file that keeps whole lines, whatever the disk does."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path

LARGEST_BYTES = 5 * 1024 * 1024
KEPT_FILES = 3


class LogFile(logging.Handler):
    """Appends to ``path``, rotated at 5 MB to ``path.1`` and on, with three old files kept.

    A line that cannot be written is lost as a whole and counted; the first line that can be
    written again is preceded by one that says how many were lost. A file that was moved away or
    deleted is begun anew. Nothing is raised.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: FileIO | None = None
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record``'s line."""
        line = self._bytes(record)
        try:
            if self._lost:
                self._append(self._bytes(_apology(self._lost)))
                self._lost = 0
            self._append(line)
        except OSError:
            self._lost += 1
            self._drop_file()

    def close(self) -> None:
        """Close the file."""
        self._drop_file()
        super().close()

    def _bytes(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode("utf-8", "backslashreplace")

    def _append(self, line: bytes) -> None:
        file = self._current()
        size = os.fstat(file.fileno()).st_size
        if size and size + len(line) > LARGEST_BYTES:
            self._rotate()
            file, size = self._current(), 0
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[file.write(rest) or 0 :]
        except OSError:
            if len(rest) < len(line):
                os.ftruncate(file.fileno(), size)
            raise

    def _current(self) -> FileIO:
        """Return the file that ``path`` names now, opened."""
        if self._file is not None and not self._is_at_path(self._file):
            self._drop_file()
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(str(self._path), "a")
        return self._file

    def _is_at_path(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False

    def _drop_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _rotate(self) -> None:
        self._drop_file()
        for number in range(KEPT_FILES, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


def _apology(lost: int) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": __name__,
            "levelname": "WARNING",
            "levelno": logging.WARNING,
            "msg": "log lines could not be written",
            "lost": lost,
        }
    )
