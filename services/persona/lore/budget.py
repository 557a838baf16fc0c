"""The token budget of a scan."""

from __future__ import annotations

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
