"""Reads regular expressions of the kind that can be searched for in linear time."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

_LONGEST = 300
_DEEPEST = 10
_MOST_REPEATS = 100
_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_KINDS = frozenset("dwsDWS")

EdgeKind = Literal["word", "no_word", "start", "end"]


class ExpressionError(ValueError):
    """An expression cannot be used; ``reason`` goes on a sentence that names it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Chars:
    """One character out of a set; ``folded`` ones are compared as ``folded_char`` has them."""

    singles: frozenset[str] = frozenset()
    ranges: tuple[tuple[str, str], ...] = ()
    kinds: frozenset[str] = frozenset()
    negated: bool = False
    folded: bool = False

    def contains(self, char: str) -> bool:
        """Whether ``char`` belongs to the set."""
        forms = {char}
        if self.folded:
            small = folded_char(char)
            forms |= {small, small.upper()}
        return any(map(self._has, forms)) is not self.negated

    def _has(self, char: str) -> bool:
        return (
            char in self.singles
            or any(first <= char <= last for first, last in self.ranges)
            or any(_is_kind(char, kind) for kind in self.kinds)
        )


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts that follow each other."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    options: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times; ``most`` is ``None`` for any number."""

    part: Expression
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """A condition on the two characters around a place."""

    kind: EdgeKind


Expression: TypeAlias = Chars | Sequence | Choice | Repeat | Edge


def folded_char(char: str) -> str:
    """Return what ``char`` is compared as: full-width, styled and capital letters as small ones."""
    if char.isascii():
        return char.lower()
    plain = unicodedata.normalize("NFKC", char).casefold()
    if len(plain) == 1:
        return plain
    small = char.casefold()
    return small if len(small) == 1 else char


def literal(text: str, *, folded: bool = False) -> Sequence:
    """Return the expression that matches ``text`` alone."""
    return Sequence(tuple(_single(char, folded=folded) for char in text))


def read_expression(source: str, *, folded: bool = True, longest: int = _LONGEST) -> Expression:
    """Return the expression that ``source`` spells as Python's ``re`` does.

    Understood are characters, ``.``, classes, ``\\d \\w \\s \\b`` and their opposites, ``^`` and
    ``$`` for the ends of lines, groups, alternatives and quantifiers. Raises ``ExpressionError``
    for anything else, such as looking around and back-references.
    """
    if not source.strip():
        raise ExpressionError("is empty")
    if len(source) > longest:
        raise ExpressionError(f"is longer than {longest} characters")
    return _Reader(source.removeprefix("(?i)"), folded=folded).whole()


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, source: str, *, folded: bool) -> None:
        self._source = source
        self._folded = folded
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._choice()
        if self._at < len(self._source):
            raise ExpressionError("closes a group that was not opened")
        return expression

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise ExpressionError("ends in the middle")
        self._at += 1
        return char

    def _choice(self) -> Expression:
        options = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Expression:
        parts: list[Expression] = []
        while (char := self._peek()) and char not in "|)":
            parts.append(self._repeated(self._atom()))
        return Sequence(tuple(parts))

    def _repeated(self, part: Expression) -> Expression:
        bounds = self._bounds()
        if bounds is None:
            return part
        if isinstance(part, Edge):
            raise ExpressionError("repeats a place instead of a character")
        least, most = bounds
        if max(least, most or 0) > _MOST_REPEATS:
            raise ExpressionError(f"repeats something more than {_MOST_REPEATS} times")
        if most is not None and most < least:
            raise ExpressionError("has a quantifier whose end comes before its beginning")
        if self._peek() == "?":
            self._at += 1
        if self._peek() in {"*", "+"}:
            raise ExpressionError("has one quantifier after another")
        return Repeat(part, least, most)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek())
        if simple is not None:
            self._at += 1
            return simple
        count = _COUNT.match(self._source, self._at)
        if count is None:
            return None
        self._at = count.end()
        least = int(count[1])
        if not count[2]:
            return least, least
        return least, int(count[3]) if count[3] else None

    def _atom(self) -> Expression:
        char = self._take()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return Chars(singles=frozenset("\n"), negated=True)
            case "^":
                return Edge("start")
            case "$":
                return Edge("end")
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise ExpressionError("repeats nothing")
            case _:
                return _single(char, folded=self._folded)

    def _group(self) -> Expression:
        if self._source.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise ExpressionError("uses groups that look around or have names")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError(f"has groups more than {_DEEPEST} deep")
        inner = self._choice()
        if self._peek() != ")":
            raise ExpressionError("does not close a group")
        self._at += 1
        self._depth -= 1
        return inner

    def _escape(self) -> Expression:
        char = self._take()
        if char == "b":
            return Edge("word")
        if char == "B":
            return Edge("no_word")
        if char in _KINDS:
            return Chars(kinds=frozenset(char))
        return _single(self._escaped(char), folded=self._folded)

    def _escaped(self, char: str) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x" or char == "u":
            digits = self._source[self._at : self._at + (2 if char == "x" else 4)]
            self._at += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise ExpressionError(f"has an unfinished \\{char}") from None
        if char.isdigit():
            raise ExpressionError("refers back to a group")
        if char.isalpha():
            raise ExpressionError(f"uses \\{char}, which is not known here")
        return char

    def _class(self) -> Expression:
        negated = self._peek() == "^"
        self._at += negated
        singles: set[str] = set()
        ranges: list[tuple[str, str]] = []
        kinds: set[str] = set()
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._member(kinds)
            if low is None:
                continue
            if self._peek() == "-" and self._source[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                high = self._member(kinds)
                if high is None or high < low:
                    raise ExpressionError("has a range whose end comes before its beginning")
                ranges.append((low, high))
            else:
                singles.add(low)
        self._at += 1
        return Chars(
            singles=frozenset(singles),
            ranges=tuple(ranges),
            kinds=frozenset(kinds),
            negated=negated,
            folded=self._folded,
        )

    def _member(self, kinds: set[str]) -> str | None:
        char = self._take()
        if char != "\\":
            return char
        char = self._take()
        if char in _KINDS:
            kinds.add(char)
            return None
        return "\b" if char == "b" else self._escaped(char)


def _single(char: str, *, folded: bool) -> Chars:
    return Chars(singles=frozenset({folded_char(char) if folded else char}), folded=folded)


def _is_kind(char: str, kind: str) -> bool:
    match kind.lower():
        case "d":
            found = char.isdecimal()
        case "s":
            found = char.isspace()
        case _:
            found = char.isalnum() or char == "_"
    return found is not kind.isupper()
