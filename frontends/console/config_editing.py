"""Changing ``config.toml`` and ``.env`` without losing what people wrote there."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

_SECTION = re.compile(r"\s*\[\s*(?P<name>[\w.-]+)\s*\]\s*(#.*)?$")
_ANY_SECTION = re.compile(r"\s*\[")
_TAIL = re.compile(r"\s+#[^\"']*$")

Value = str | int | float | bool


class NotEditable(Exception):  # noqa: N818
    """The file is written in a way that cannot be changed without risk."""


def edited_toml(text: str, values: Mapping[str, Value]) -> str:
    """Return ``text`` with ``values``, by paths such as ``llm.model``; all else stays as it is.

    A value that is there is replaced in its line; a new one goes behind its commented-out line, or
    to the end of its section. Raises ``NotEditable`` when the result would not mean exactly that.
    """
    lines = text.splitlines()
    for path, value in values.items():
        section, _, name = path.partition(".")
        lines = _with_value(lines, section, name, json.dumps(value, ensure_ascii=False))
    changed = "\n".join(lines) + "\n"
    if _meaning(changed) != _expected(_meaning(text), values):
        raise NotEditable
    return changed


def edited_dotenv(text: str, name: str, value: str) -> str:
    """Return ``text`` with the variable ``name`` set to ``value``; all else stays as it is.

    Raises ``NotEditable`` when the result would not mean exactly that.
    """
    own = re.compile(rf"\s*(export\s+)?{re.escape(name)}\s*=")
    kept = [line for line in text.splitlines() if not own.match(line)]
    quoted = value if re.fullmatch(r"[\w.:/+=-]+", value) else f"'{value}'"
    changed = "\n".join([*kept, f"{name}={quoted}"]) + "\n"
    if _variables(changed) != {**_variables(text), name: value}:
        raise NotEditable
    return changed


def write_atomically(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write ``text`` to ``path``, all of it or nothing.

    ``mode`` are the permissions, by default those of the file there was, else 0644. A link stays a
    link. Raises ``OSError``.
    """
    path = path.resolve()
    if mode is None:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    file, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), mode)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _with_value(lines: list[str], section: str, name: str, value: str) -> list[str]:
    first = _section_start(lines, section)
    if first is None:
        blank = [""] if lines and lines[-1].strip() else []
        return [*lines, *blank, f"[{section}]", f"{name} = {value}"]
    end = next((n for n in range(first, len(lines)) if _ANY_SECTION.match(lines[n])), len(lines))
    there = re.compile(rf"(?P<lead>\s*{re.escape(name)}\s*=\s*)")
    commented = re.compile(rf"\s*#\s*{re.escape(name)}\s*=")
    for number in range(first, end):
        if match := there.match(lines[number]):
            tail = _TAIL.search(lines[number])
            lines[number] = f"{match['lead']}{value}{tail[0] if tail else ''}"
            return lines
    for number in range(first, end):
        if commented.match(lines[number]):
            return [*lines[: number + 1], f"{name} = {value}", *lines[number + 1 :]]
    while end > first and not lines[end - 1].strip():
        end -= 1
    return [*lines[:end], f"{name} = {value}", *lines[end:]]


def _section_start(lines: list[str], section: str) -> int | None:
    for number, line in enumerate(lines):
        if (match := _SECTION.match(line)) and match["name"] == section:
            return number + 1
    return None


def _meaning(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotEditable from error


def _expected(before: Mapping[str, object], values: Mapping[str, Value]) -> dict[str, object]:
    after = dict(before)
    for path, value in values.items():
        section, _, name = path.partition(".")
        table = after.get(section, {})
        if not isinstance(table, Mapping):
            raise NotEditable
        after[section] = {**table, name: value}
    return after


def _variables(text: str) -> dict[str, str | None]:
    found = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise NotEditable
        if binding.key is not None:
            found[binding.key] = binding.value
    return found
