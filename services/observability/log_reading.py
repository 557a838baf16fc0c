"""Reading the end of the program's own log."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from services.settings import Settings

_MOST_BYTES = 1024 * 1024
_TROUBLE = frozenset({"WARNING", "ERROR", "CRITICAL"})
_ACCOUNT = re.compile(r"(?<!\d)\d{15,20}(?!\d)")
_FOR_PEOPLE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?P<level>[A-Z]+) +(?P<event>.+?)"
    r"(?:  \S+=.*)?  \[(?P<logger>[\w.]+)\]$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A warning or error: what happened, and the class of what was raised, if anything was.

    ``at`` is as the log has it: UTC in ISO format, or local time in lines for people.
    """

    at: str
    level: str
    event: str
    logger: str
    error: str = ""


class LogReader:
    """Reads the last megabyte of the log, which holds no secrets.

    Numbers that could be ids of accounts and places are hidden, and tracebacks are reduced to the
    class of the error, since they may quote what was said.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return a reader of the log that ``settings`` describe."""
        if settings.logging.output == "stderr":
            return cls(None)
        return cls(settings.logging.file or settings.storage.data / "logs" / "acore.log")

    @property
    def kept(self) -> bool:
        """Whether there is a file to read at all."""
        return self._file is not None

    async def tail(self, count: int) -> Sequence[str]:
        """Return the last ``count`` lines, oldest first."""
        return await asyncio.to_thread(self._tail, count)

    async def troubles(self, count: int) -> Sequence[Trouble]:
        """Return the last ``count`` warnings and errors, oldest first, without their fields."""
        return await asyncio.to_thread(self._troubles, count)

    def _tail(self, count: int) -> Sequence[str]:
        return list(deque((_discreet(line) for line in self._entries()), maxlen=count))

    def _troubles(self, count: int) -> Sequence[Trouble]:
        found = (_trouble(line) for line in self._entries())
        return list(deque((one for one in found if one is not None), maxlen=count))

    def _entries(self) -> Iterator[str]:
        """Yield the lines that begin an entry; those of a traceback for people are left out."""
        if self._file is None:
            return
        for file in (self._file.with_name(f"{self._file.name}.1"), self._file):
            for line in _last_lines(file):
                if line and not line[0].isspace():
                    yield line


def _last_lines(file: Path) -> Sequence[str]:
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _MOST_BYTES))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return lines[1:] if size > _MOST_BYTES else lines


def _discreet(line: str) -> str:
    entry = _json(line)
    if entry is not None and "trace" in entry:
        line = json.dumps({**entry, "trace": _raised(entry)}, ensure_ascii=False)
    return _ACCOUNT.sub("[id]", line)


def _trouble(line: str) -> Trouble | None:
    entry = _json(line)
    if entry is None:
        match = _FOR_PEOPLE.match(line)
        entry = match.groupdict() if match is not None else None
    if entry is None or entry.get("level") not in _TROUBLE:
        return None
    return Trouble(
        at=str(entry.get("at", "")),
        level=str(entry["level"]),
        event=_ACCOUNT.sub("[id]", str(entry.get("event", ""))),
        logger=str(entry.get("logger", "")),
        error=_raised(entry),
    )


def _json(line: str) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _raised(entry: Mapping[str, Any]) -> str:
    """Return the class of the error in an entry's traceback."""
    trace = entry.get("trace")
    if not isinstance(trace, str):
        return ""
    named = [line for line in trace.splitlines() if line and not line[0].isspace()]
    for line in reversed(named):
        match = re.match(r"[\w.]+(?=:|$)", line)
        if match is not None and match[0] != "Traceback":
            return match[0]
    return ""
