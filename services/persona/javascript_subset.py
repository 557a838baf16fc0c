"""Simple JavaScript expressions as Python's, for ASCII text, where both mean the same.

Only what cannot differ and cannot run long is taken: letters, classes, the usual escapes, anchors,
groups, alternatives, assertions and quantifiers with an end. What may repeat without end is taken
where one repetition more or less does not matter, at either end of the expression. Everything else
is left to V8.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_MOST_WAYS = 64
_LONGEST = 500
_DEEPEST = 10
_MOST_REPEATS = 20
_SPECIAL = frozenset("^$\\.*+?()[]{}|")
_CLASSES = {"d": "[0-9]", "D": "[^0-9]", "w": "[A-Za-z0-9_]", "W": "[^A-Za-z0-9_]"}
_SPACES = {"s": r"[\t\n\x0b\x0c\r ]", "S": r"[^\t\n\x0b\x0c\r ]"}
_CONTROLS = {"n": r"\n", "r": r"\r", "t": r"\t"}
_MEMBERS = {"d": "0-9", "w": "A-Za-z0-9_", "s": r"\t\n\x0b\x0c\r ", **_CONTROLS}
_RANGE = re.compile(r"[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]")
_COUNTS = re.compile(r"\{([0-9]{1,3})(?:(,)([0-9]{1,3})?)?\}")
_ASSERTION = re.compile(r"\?<?[=!]")
_QUANTIFIERS = frozenset("*+?{")


class _Unknown(Exception):  # noqa: N818
    """Something that is left to V8."""


@functools.lru_cache(maxsize=4096)
def spelled(source: str, flags: str) -> str | None:
    """Return the expression as Python spells it; ``None`` if it is not simple.

    What is simple is valid.
    """
    if len(source) > _LONGEST or not source.isascii():
        return None
    try:
        return _Translation(source, flags).whole()
    except _Unknown:
        return None


@functools.lru_cache(maxsize=4096)
def translated(source: str, flags: str) -> re.Pattern[str] | None:
    """Return a pattern that finds in ASCII text what JavaScript would; ``None`` if not simple.

    It tells only whether there is a match, not where.
    """
    pattern = spelled(source, flags)
    if pattern is None:
        return None
    try:
        return re.compile(pattern, re.ASCII | (re.IGNORECASE if "i" in flags else 0))
    except re.error:  # such as an assertion that looks back at texts of several lengths
        return None


@dataclass(frozen=True, slots=True)
class _Part:
    """Translated text and in how many ways it can be tried at one place."""

    text: str
    ways: int = 1


class _Translation:
    """Reads one expression from left to right."""

    def __init__(self, source: str, flags: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self._sticky = "y" in flags
        self._dot = r"[\x00-\x7f]" if "s" in flags else r"[^\n\r]"
        lines = "m" in flags
        self._anchors = {
            "^": r"(?:\A|(?<=[\n\r]))" if lines else r"\A",
            "$": r"(?=[\n\r]|\Z)" if lines else r"\Z",
        }

    def whole(self) -> str:
        part = self._alternatives(open_start=not self._sticky, open_end=True)
        if self._at < len(self._source):
            raise _Unknown
        return rf"\A(?:{part.text})" if self._sticky else part.text

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _next(self) -> str:
        sign = self._peek()
        if not sign:
            raise _Unknown
        self._at += 1
        return sign

    def _alternatives(self, *, open_start: bool = False, open_end: bool = False) -> _Part:
        """Read up to the end or a parenthesis; an open side is one beyond which nothing follows."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unknown
        parts = [self._sequence(open_start=open_start, open_end=open_end)]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence(open_start=open_start, open_end=open_end))
        self._depth -= 1
        return _bounded("|".join(part.text for part in parts), sum(part.ways for part in parts))

    def _sequence(self, *, open_start: bool, open_end: bool) -> _Part:
        text, ways = "", 1
        is_first = open_start
        while self._peek() not in {"", "|", ")"}:
            part = self._term(is_first=is_first, open_end=open_end)
            text, ways = text + part.text, ways * part.ways
            is_first = False
            if ways > _MOST_WAYS:
                raise _Unknown
        return _bounded(text, ways)

    def _term(self, *, is_first: bool, open_end: bool) -> _Part:
        assertion = self._assertion()
        if assertion is not None:
            if self._peek() in _QUANTIFIERS:
                raise _Unknown
            return assertion
        part = self._atom(self._next())
        match self._peek():
            case "?":
                return self._repeated(part, 0, 1)
            case "+":
                return self._endless(part, 1, is_first=is_first, open_end=open_end)
            case "*":
                return self._endless(part, 0, is_first=is_first, open_end=open_end)
            case "{":
                return self._counted(part, is_first=is_first, open_end=open_end)
        return part

    def _assertion(self) -> _Part | None:
        """Read what matches no character, if that is what comes."""
        sign = self._peek()
        if sign in self._anchors:
            self._at += 1
            return _Part(self._anchors[sign])
        two = self._source[self._at : self._at + 2]
        if two in {r"\b", r"\B"}:
            self._at += 2
            # Python's \B does not match in empty text.
            return _Part(r"\b" if two == r"\b" else r"(?!\b)")
        if sign != "(":
            return None
        found = _ASSERTION.match(self._source, self._at + 1)
        if found is None:
            return None
        self._at = found.end()
        inner = self._alternatives(open_end="<" not in found[0])
        if self._next() != ")":
            raise _Unknown
        return _bounded(f"({found[0]}{inner.text})", inner.ways)

    def _counted(self, part: _Part, *, is_first: bool, open_end: bool) -> _Part:
        found = _COUNTS.match(self._source, self._at)
        if found is None:
            raise _Unknown
        least = int(found[1])
        if found[2] and not found[3]:
            self._at = found.end() - 1
            return self._endless(part, least, is_first=is_first, open_end=open_end)
        most = int(found[3]) if found[2] else least
        if most < least:
            raise _Unknown
        self._at = found.end() - 1
        return self._repeated(part, least, most)

    def _endless(self, part: _Part, least: int, *, is_first: bool, open_end: bool) -> _Part:
        """Read a quantifier without an end, of whose repetitions the least will do."""
        repeated = self._repeated(part, least, least)
        is_last = open_end and self._peek() in {"", "|", ")"}
        if not (is_first or is_last):
            raise _Unknown
        return repeated

    def _repeated(self, part: _Part, least: int, most: int) -> _Part:
        """Skip the quantifier's last sign, and the one that makes it lazy."""
        self._at += 1
        if self._peek() == "?":
            self._at += 1
        if self._peek() in _QUANTIFIERS or most > _MOST_REPEATS:
            raise _Unknown
        ways = (most - least + 1) * part.ways**most
        return _bounded(f"(?:{part.text}){{{least},{most}}}", ways)

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
