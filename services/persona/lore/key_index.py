"""Finds all plain keys of a book in a text at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ahocorasick_rs

from services.persona.lore.keys import Key, encoded, is_whole, occurs
from services.persona.lore.scan_text import Piece

_LONGEST = 256
_LENGTHS = 64
_FEW = 64
_WINDOW = 4_096

Slot = tuple[str, bool, bool]
"""What tells one search from another: the needle, whether case counts, whether it is whole."""


@dataclass(slots=True)
class _Pattern:
    needle: bytes
    anywhere: int | None = None
    whole: int | None = None


class KeyIndex:
    """The plain keys of a book, each known by a number.

    Keys of one kind of case are found by one automaton. As many of them end at one place as there
    are different lengths, so rare lengths and long keys are searched one by one: no book can make
    a scan produce more than 64 findings per byte. Few keys need no automaton.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._numbers: dict[Slot, int] = {}
        patterns: dict[tuple[str, bool], _Pattern] = {}
        for key in keys:
            slot = (key.needle, key.cased, key.whole)
            if slot in self._numbers:
                continue
            number = self._numbers[slot] = len(self._numbers)
            place = (key.needle, key.cased)
            pattern = patterns.get(place)
            if pattern is None:
                pattern = patterns[place] = _Pattern(encoded(key.needle))
            if key.whole:
                pattern.whole = number
            else:
                pattern.anywhere = number
        self._sides = [
            (cased, _Side([pattern for (_, its), pattern in patterns.items() if its is cased]))
            for cased in (False, True)
        ]

    def number(self, key: Key) -> int:
        """Return the number of a key the index was made with."""
        return self._numbers[key.needle, key.cased, key.whole]

    def found_in(self, piece: Piece) -> set[int]:
        """Return the numbers of the keys that are in the text."""
        found: set[int] = set()
        for cased, side in self._sides:
            if not side.empty:
                side.find(piece.searched(cased=cased), found)
        return found


class _Side:
    """Keys that are searched for in the same form of a text."""

    def __init__(self, patterns: list[_Pattern]) -> None:
        together, self._alone = _divided(patterns)
        self._anywhere = [_numbered(pattern.anywhere) for pattern in together]
        self._whole = [_numbered(pattern.whole) for pattern in together]
        self.empty = not patterns
        self._automaton = (
            ahocorasick_rs.BytesAhoCorasick([pattern.needle for pattern in together])
            if together
            else None
        )

    def find(self, text: bytes, found: set[int]) -> None:
        if self._automaton is not None:
            self._find_together(self._automaton, text, found)
        for pattern in self._alone:
            if pattern.needle not in text:
                continue
            if pattern.anywhere is not None:
                found.add(pattern.anywhere)
            if pattern.whole is not None and occurs(pattern.needle, text, whole=True):
                found.add(pattern.whole)

    def _find_together(
        self, automaton: ahocorasick_rs.BytesAhoCorasick, text: bytes, found: set[int]
    ) -> None:
        anywhere, whole = self._anywhere, self._whole
        for offset, window in _windows(text):
            for which, start, end in automaton.find_matches_as_indexes(window, overlapping=True):
                number = whole[which]
                if (
                    number >= 0
                    and number not in found
                    and is_whole(text, offset + start, offset + end)
                ):
                    found.add(number)
                if anywhere[which] >= 0:
                    found.add(anywhere[which])


def _numbered(number: int | None) -> int:
    return -1 if number is None else number


def _windows(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield parts of ``text`` that overlap by the longest key."""
    if len(text) <= _WINDOW:
        yield 0, text
        return
    for offset in range(0, len(text), _WINDOW - _LONGEST):
        yield offset, text[offset : offset + _WINDOW]


def _divided(patterns: list[_Pattern]) -> tuple[list[_Pattern], list[_Pattern]]:
    if len(patterns) <= _FEW:
        return [], patterns
    lengths = Counter(
        len(pattern.needle) for pattern in patterns if len(pattern.needle) <= _LONGEST
    )
    common = {length for length, _ in lengths.most_common(_LENGTHS)}
    together = [pattern for pattern in patterns if len(pattern.needle) in common]
    alone = [pattern for pattern in patterns if len(pattern.needle) not in common]
    return together, alone
