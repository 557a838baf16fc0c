"""Regular expressions of the kind that can be searched for in linear time."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

MOST_CHARACTERS = 300
"""Characters of an expression that people write."""

MOST_REPEATS = 100
"""How often a quantifier may ask for something."""

DEEPEST = 10
"""Groups within groups."""

EdgeKind = Literal["word", "no_word", "start", "end"]


class Flaw(StrEnum):
    """Why an expression cannot be used, to follow its name in a sentence."""

    EMPTY = "is empty"
    LONG = f"is longer than {MOST_CHARACTERS} characters"
    UNOPENED = "closes a group that was not opened"
    UNFINISHED = "ends in the middle"
    PLACE_REPEATED = "repeats a place instead of a character"
    MANY_REPEATS = f"repeats something more than {MOST_REPEATS} times"
    COUNTS_REVERSED = "has a quantifier whose end comes before its beginning"
    DOUBLE_QUANTIFIER = "has one quantifier after another"
    NOTHING_REPEATED = "repeats nothing"
    SPECIAL_GROUP = "uses groups that look around or have names"
    DEEP = f"has groups more than {DEEPEST} deep"
    UNCLOSED = "does not close a group"
    UNFINISHED_CODE = "has an unfinished code of a character"
    BACK_REFERENCE = "refers back to a group"
    UNKNOWN_ESCAPE = "uses a letter after a backslash that has no meaning here"
    RANGE_REVERSED = "has a range whose end comes before its beginning"
    NULLABLE = "also matches where there is nothing"
    COMPLICATED = "is too complicated; make it shorter or split it"


class ExpressionError(ValueError):
    """An expression cannot be used; ``reason`` goes on a sentence that names it."""

    def __init__(self, reason: Flaw) -> None:
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
    small = char.lower()
    return small if len(small) == 1 else char


def literal(text: str, *, folded: bool = False) -> Sequence:
    """Return the expression that matches ``text`` alone."""
    return Sequence(tuple(single(char, folded=folded) for char in text))


def single(char: str, *, folded: bool) -> Chars:
    """Return the set of ``char`` alone."""
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
