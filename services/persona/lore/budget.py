"""The token budgets of a scan: its own and those of books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.persona.lore.javascript import utf16_length
from services.persona.lore.request import CountTokens


def chars4(text: str) -> int:
    """Return a quarter of the UTF-16 length, rounded up: tokens without a tokenizer."""
    return -(-utf16_length(text) // 4)


class Budget:
    """Counts what passes add. Content that does not feed recursion is forgotten between passes."""

    def __init__(self, limit: int | None, count: CountTokens) -> None:
        self._limit = limit
        self._count = count
        self._fed = ""
        self._fed_tokens = 0
        self._new = ""

    def open_pass(self) -> None:
        """Begin a pass with nothing added."""
        self._new = ""
        if self._limit is not None:
            self._fed_tokens = self._count(self._fed)

    def add(self, content: str) -> bool:
        """Add an entry's content; say whether the budget is reached, which is too much."""
        if self._limit is None:
            return False
        self._new += f"{content}\n"
        return self._fed_tokens + self._count(self._new) >= self._limit

    def feed(self, text: str) -> None:
        """Take in what the next pass searches."""
        if self._limit is not None:
            self._fed = f"{text}\n{self._fed}"


class BookBudgets:
    """What V3 books allow themselves. Unlike the budget of a scan, theirs may be used up."""

    def __init__(self, limits: Mapping[int, int], count: CountTokens) -> None:
        self._left = dict(limits)
        self._count = count

    def by_priority(
        self, ranks: Sequence[int], homes: Sequence[int], priorities: Mapping[int, float]
    ) -> list[int]:
        """Return ``ranks`` with those of each limited book, in their places, highest first."""
        ordered = list(ranks)
        for which in self._left:
            places = [at for at, rank in enumerate(ordered) if homes[rank] == which]
            own = sorted((ordered[at] for at in places), key=lambda rank: -priorities[rank])
            for at, rank in zip(places, own, strict=True):
                ordered[at] = rank
        return ordered

    def spend(self, which: int, content: str) -> bool:
        """Take an entry's tokens from its book; say whether there are enough.

        Once there are not, nothing of the book follows.
        """
        left = self._left.get(which)
        if left is None:
            return True
        left -= self._count(content)
        self._left[which] = left
        return left >= 0
