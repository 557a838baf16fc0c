"""Reads regular expressions that people write."""

from __future__ import annotations

import re

from services.conversation.moderation.expressions import (
    DEEPEST,
    MOST_CHARACTERS,
    MOST_REPEATS,
    Chars,
    Choice,
    Edge,
    Expression,
    ExpressionError,
    Flaw,
    Repeat,
    Sequence,
    single,
)

_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_KINDS = frozenset("dwsDWS")


def read_expression(
    source: str, *, folded: bool = True, longest: int = MOST_CHARACTERS
) -> Expression:
    """Return the expression that ``source`` spells as Python's ``re`` does.

    Understood are characters, ``.``, classes, ``\\d \\w \\s \\b`` and their opposites, ``^`` and
    ``$`` for the ends of lines, groups, alternatives and quantifiers. Raises ``ExpressionError``
    for anything else, such as looking around and back-references.
    """
    if not source.strip():
        raise ExpressionError(Flaw.EMPTY)
    if len(source) > longest:
        raise ExpressionError(Flaw.LONG)
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
            raise ExpressionError(Flaw.UNOPENED)
        return expression

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise ExpressionError(Flaw.UNFINISHED)
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
            raise ExpressionError(Flaw.PLACE_REPEATED)
        least, most = bounds
        if max(least, most or 0) > MOST_REPEATS:
            raise ExpressionError(Flaw.MANY_REPEATS)
        if most is not None and most < least:
            raise ExpressionError(Flaw.COUNTS_REVERSED)
        if self._peek() == "?":
            self._at += 1
        if self._peek() in {"*", "+", "?"}:
            raise ExpressionError(Flaw.DOUBLE_QUANTIFIER)
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
                raise ExpressionError(Flaw.NOTHING_REPEATED)
            case _:
                return single(char, folded=self._folded)

    def _group(self) -> Expression:
        if self._source.startswith("?:", self._at):
            self._at += 2
        elif self._peek() == "?":
            raise ExpressionError(Flaw.SPECIAL_GROUP)
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(Flaw.DEEP)
        inner = self._choice()
        if self._peek() != ")":
            raise ExpressionError(Flaw.UNCLOSED)
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
        return single(self._escaped(char), folded=self._folded)

    def _escaped(self, char: str) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x" or char == "u":
            digits = self._source[self._at : self._at + (2 if char == "x" else 4)]
            self._at += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise ExpressionError(Flaw.UNFINISHED_CODE) from None
        if char.isdigit():
            raise ExpressionError(Flaw.BACK_REFERENCE)
        if char.isalpha():
            raise ExpressionError(Flaw.UNKNOWN_ESCAPE)
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
                    raise ExpressionError(Flaw.RANGE_REVERSED)
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
