"""Texts without which a JavaScript expression cannot match, so that most need not be run."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

_MOST = 8
_DEEPEST = 20
_LONGEST = 2_000
_BREAKS = frozenset("dDwWsSnrtfv")
_COUNTS = re.compile(r"\{([0-9]+)(?:,[0-9]*)?\}")
_CODED = re.compile(r"[0-9]+|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}")
_GROUP = re.compile(r"\?(?:(?P<plain>:|<[A-Za-z_][A-Za-z0-9_]*>)|(?P<assertion><?[=!]))")

Needed = tuple[str, ...] | None
"""Texts in lower case of which any match has at least one; ``None`` if there are none to name."""


class _Unknown(Exception):  # noqa: N818
    """Something that is not understood."""


@functools.lru_cache(maxsize=4096)
def needed(source: str, flags: str) -> Needed:
    """Return the texts of which every text with a match of the valid expression contains one.

    They are to be looked for in lower case. ``None`` when nothing can be said.
    """
    if len(source) > _LONGEST:
        return None
    reading = _Reading(source, loses="s" if "i" in flags and "u" in flags else "")
    try:
        found = reading.alternatives()
    except _Unknown:
        return None
    return found if reading.is_done else None


class _Reading:
    """Reads one expression from left to right; ``loses`` are letters that others can stand for."""

    def __init__(self, source: str, *, loses: str) -> None:
        self._source = source
        self._loses = loses
        self._at = 0
        self._depth = 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._source)

    def alternatives(self) -> Needed:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unknown
        listed = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            listed.append(self._sequence())
        self._depth -= 1
        return _either(listed)

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _sequence(self) -> Needed:
        """Return the best of what each part of a sequence needs."""
        best: Needed = None
        run = ""
        while self._peek() not in {"", "|", ")"}:
            letter, group = self._item()
            least = self._quantifier()
            if least is not None:
                # What is repeated ends a run of letters; what may be missing is not part of it.
                run, ended = "", run + (letter if least else "")
                best = _better(_better(best, _text(ended)), group if least else None)
            elif letter:
                run += letter
            else:
                best = _better(_better(best, _text(run)), group)
                run = ""
        return _better(best, _text(run))

    def _item(self) -> tuple[str, Needed]:
        """Read one item: the letter it is, or what its group needs."""
        sign = self._source[self._at]
        self._at += 1
        match sign:
            case "\\":
                return self._escape(), None
            case "[":
                self._skip_class()
                return "", None
            case "(":
                return "", self._group()
            case "." | "^" | "$":
                return "", None
            case "*" | "+" | "?" | "{" | "}" | "]":
                raise _Unknown
        return self._letter(sign), None

    def _letter(self, sign: str) -> str:
        small = sign.lower()
        return small if sign.isascii() and small not in self._loses else ""

    def _escape(self) -> str:
        sign = self._peek()
        if not sign:
            raise _Unknown
        coded = _CODED.match(self._source, self._at)
        if coded is not None:
            self._at = coded.end()
            return ""
        self._at += 1
        if sign in _BREAKS or sign in "bB":
            return ""
        if sign.isalnum() or sign == "_" or not sign.isascii():
            raise _Unknown
        return sign

    def _skip_class(self) -> None:
        while self._peek() != "]":
            if self._peek() == "\\":
                self._at += 1
            if not self._peek():
                raise _Unknown
            self._at += 1
        self._at += 1

    def _group(self) -> Needed:
        asserts = False
        if self._peek() == "?":
            found = _GROUP.match(self._source, self._at)
            if found is None:
                raise _Unknown
            self._at = found.end()
            asserts = found["assertion"] is not None
        inner = self.alternatives()
        if self._peek() != ")":
            raise _Unknown
        self._at += 1
        return None if asserts else inner

    def _quantifier(self) -> int | None:
        """Read a quantifier, if there is one; return how often it repeats at least."""
        sign = self._peek()
        if sign in {"*", "+", "?"}:
            self._at += 1
            least = int(sign == "+")
        elif sign == "{":
            found = _COUNTS.match(self._source, self._at)
            if found is None:
                raise _Unknown
            self._at = found.end()
            least = int(int(found[1][:9]) > 0 or len(found[1]) > 9)
        else:
            return None
        if self._peek() == "?":
            self._at += 1
        return least


def _text(run: str) -> Needed:
    return (run,) if run else None


def _either(listed: Iterable[Needed]) -> Needed:
    """Return what is needed if any one of these is."""
    every: dict[str, None] = {}
    for one in listed:
        if one is None:
            return None
        every.update(dict.fromkeys(one))
    return tuple(every) if len(every) <= _MOST else None


def _better(one: Needed, other: Needed) -> Needed:
    """Return which of two needs is the rarer: the one with the longer texts."""
    if one is None or other is None:
        return one or other
    return other if min(map(len, other)) > min(map(len, one)) else one
