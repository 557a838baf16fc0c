"""Simple JavaScript expressions as Python's, for ASCII text, where both mean the same.

Only what cannot differ and cannot run long is taken: letters, classes, the usual escapes, groups,
alternatives and ``?``. Everything else is left to V8.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_MOST_WAYS = 64
_LONGEST = 500
_DEEPEST = 10
_SPECIAL = frozenset("^$\\.*+?()[]{}|")
_CLASSES = {"d": "[0-9]", "D": "[^0-9]", "w": "[A-Za-z0-9_]", "W": "[^A-Za-z0-9_]"}
_SPACES = {"s": r"[\t\n\x0b\x0c\r ]", "S": r"[^\t\n\x0b\x0c\r ]"}
_CONTROLS = {"n": r"\n", "r": r"\r", "t": r"\t"}
_MEMBERS = {"d": "0-9", "w": "A-Za-z0-9_", "s": r"\t\n\x0b\x0c\r ", **_CONTROLS}
_RANGE = re.compile(r"[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]")


class _Unknown(Exception):  # noqa: N818
    """Something that is left to V8."""


@functools.lru_cache(maxsize=4096)
def translated(source: str, flags: str) -> re.Pattern[str] | None:
    """Return a pattern that finds in ASCII text what JavaScript would; ``None`` if not simple."""
    if "y" in flags or len(source) > _LONGEST or not source.isascii():
        return None
    try:
        pattern = _Translation(source, dot_all="s" in flags).whole()
    except _Unknown:
        return None
    return re.compile(pattern, re.ASCII | (re.IGNORECASE if "i" in flags else 0))


@dataclass(frozen=True, slots=True)
class _Part:
    """Translated text and in how many ways it can be tried at one place."""

    text: str
    ways: int = 1


class _Translation:
    """Reads one expression from left to right."""

    def __init__(self, source: str, *, dot_all: bool) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self._dot = r"[\x00-\x7f]" if dot_all else r"[^\n\r]"

    def whole(self) -> str:
        part = self._alternatives()
        if self._at < len(self._source):
            raise _Unknown
        return part.text

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _next(self) -> str:
        sign = self._peek()
        if not sign:
            raise _Unknown
        self._at += 1
        return sign

    def _alternatives(self) -> _Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unknown
        parts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence())
        self._depth -= 1
        return _bounded("|".join(part.text for part in parts), sum(part.ways for part in parts))

    def _sequence(self) -> _Part:
        text, ways = "", 1
        while self._peek() not in {"", "|", ")"}:
            part = self._term()
            text, ways = text + part.text, ways * part.ways
            if ways > _MOST_WAYS:
                raise _Unknown
        return _bounded(text, ways)

    def _term(self) -> _Part:
        sign = self._next()
        if sign == "\\" and self._peek() == "b":
            self._at += 1
            part = _Part(r"\b")
            if self._peek() == "?":
                raise _Unknown
        else:
            part = self._atom(sign)
        if self._peek() == "?":
            self._at += 1
            lazy = "?" if self._peek() == "?" else ""
            self._at += len(lazy)
            part = _bounded(f"{part.text}?{lazy}", part.ways + 1)
        if self._peek() in {"*", "+", "{", "?"}:
            raise _Unknown
        return part

    def _atom(self, sign: str) -> _Part:
        match sign:
            case ".":
                return _Part(self._dot)
            case "(":
                return self._group()
            case "[":
                return _Part(self._class())
            case "\\":
                return _Part(self._escape())
            case _ if sign in _SPECIAL:
                raise _Unknown
        return _Part(re.escape(sign))

    def _group(self) -> _Part:
        if self._peek() == "?":
            if self._source[self._at : self._at + 2] != "?:":
                raise _Unknown
            self._at += 2
        inner = self._alternatives()
        if self._next() != ")":
            raise _Unknown
        return _Part(f"(?:{inner.text})", inner.ways)

    def _escape(self) -> str:
        sign = self._next()
        if sign in _SPECIAL or sign == "/":
            return re.escape(sign)
        for table in (_CLASSES, _SPACES, _CONTROLS):
            if sign in table:
                return table[sign]
        raise _Unknown

    def _class(self) -> str:
        start = "[^" if self._peek() == "^" else "["
        self._at += len(start) - 1
        members = ""
        while self._peek() != "]":
            ranged = _RANGE.match(self._source, self._at)
            if ranged is not None:
                first, last = ranged[0][0], ranged[0][2]
                if first > last:
                    raise _Unknown
                members += ranged[0]
                self._at += 3
            else:
                members += self._member()
        self._at += 1
        if not members:
            raise _Unknown
        return f"{start}{members}]"

    def _member(self) -> str:
        sign = self._next()
        if sign == "\\":
            escaped = self._next()
            if escaped in _MEMBERS and self._peek() != "-":
                return _MEMBERS[escaped]
            if escaped in _SPECIAL or escaped in "/-":
                sign = escaped
            else:
                raise _Unknown
        elif sign == "-":
            raise _Unknown
        if self._peek() == "-":
            raise _Unknown
        return re.escape(sign)


def _bounded(text: str, ways: int) -> _Part:
    if ways > _MOST_WAYS:
        raise _Unknown
    return _Part(text, ways)
