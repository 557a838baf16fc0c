"""A sentence cut into numbers, words and marks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from services.reminders.words import NUMBERS, TENS

LONGEST_NUMBER = 9
_DIGITS = frozenset("0123456789")
_APOSTROPHES = frozenset("'\u2019\u02bc")
_QUOTES = frozenset(
    "\"'*_|~`,;:!?\u00ab\u00bb\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026"
)
_OPENING = _QUOTES | frozenset("([{>")
_CLOSING = _QUOTES | frozenset(")]}.")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a sentence; ``word`` is casefolded, ``glued`` tells that no space precedes it."""

    kind: Literal["number", "word", "mark"]
    word: str
    start: int
    end: int
    glued: bool


class Tokens:
    """The tokens of one sentence; every look beyond its ends finds nothing."""

    def __init__(self, text: str) -> None:
        self._tokens = _cut(text)

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, at: int) -> Token:
        return self._tokens[at]

    def word(self, at: int) -> str:
        """Return the casefolded token, or an empty string beyond the ends."""
        return self._tokens[at].word if 0 <= at < len(self._tokens) else ""

    def glued(self, at: int) -> bool:
        """Tell whether the token follows the one before without a space."""
        return 0 < at < len(self._tokens) and self._tokens[at].glued

    def is_word(self, at: int) -> bool:
        """Tell whether there is a word or a number, not a mark or an end."""
        return 0 <= at < len(self._tokens) and self._tokens[at].kind != "mark"

    def digits(self, at: int) -> int:
        """Return how many digits the number there has; 0 if there is none."""
        if 0 <= at < len(self._tokens) and self._tokens[at].kind == "number":
            return len(self._tokens[at].word)
        return 0

    def number(self, at: int) -> int | None:
        """Return the number written in at most nine ASCII digits, if there is one."""
        return int(self.word(at)) if 0 < self.digits(at) <= LONGEST_NUMBER else None

    def spoken(self, at: int) -> tuple[int, int] | None:
        """Return a number in digits or in words, and the position behind it."""
        value = self.number(at)
        if value is not None:
            return value, at + 1
        word = self.word(at)
        if word in TENS:
            after = at + 2 if self.word(at + 1) == "-" else at + 1
            unit = NUMBERS.get(self.word(after), 0)
            if 0 < unit < 10:
                return TENS[word] + unit, after + 1
        value = NUMBERS.get(word)
        return None if value is None else (value, at + 1)

    def skip(self, at: int, *words: str) -> int:
        """Return the position behind ``words`` if they stand there, else ``at``."""
        for n, word in enumerate(words):
            if self.word(at + n) != word:
                return at
        return at + len(words)

    def skip_any(self, at: int, words: Collection[str]) -> int:
        """Return the position behind one of ``words`` if it stands there, else ``at``."""
        return at + 1 if self.word(at) in words else at

    def stands_free(self, start: int, end: int) -> bool:
        """Tell whether nothing that belongs to it is glued to either side of a piece."""
        return self.begins_free(start) and self._free_after(end)

    def begins_free(self, start: int) -> bool:
        """Tell whether nothing that belongs to it is glued to its front."""
        if not self.glued(start) or self._in_iso(start):
            return True
        if self.word(start - 1) not in _OPENING:
            return False
        return not (self.glued(start - 1) and self.digits(start - 2) and self.digits(start))

    def _free_after(self, end: int) -> bool:
        if not self.glued(end) or self._in_iso(end):
            return True
        if self.word(end) not in _CLOSING:
            return False
        return not (self.glued(end + 1) and self.digits(end + 1) and self.digits(end - 1))

    def _in_iso(self, at: int) -> bool:
        """Tell whether the T of ISO 8601 parts a date before ``at`` from a time behind it."""
        return self.word(at - 1) == "t" and self.digits(at) == 2 == self.digits(at - 2)


def _cut(text: str) -> list[Token]:
    tokens: list[Token] = []
    at, last = 0, -1
    while at < len(text):
        if not text[at].isprintable() or text[at].isspace():
            at += 1
            continue
        kind, end = _piece(text, at)
        word = text[at:end].casefold().replace("\u2019", "'").replace("\u02bc", "'")
        tokens.append(Token(kind, word, at, end, glued=at == last))
        at = last = end
    return tokens


def _piece(text: str, at: int) -> tuple[Literal["number", "word", "mark"], int]:
    first, end = text[at], at + 1
    if first in _DIGITS:
        while end < len(text) and text[end] in _DIGITS:
            end += 1
        return "number", end
    if not _is_letter(first):
        return "mark", end
    while end < len(text) and (
        _is_letter(text[end])
        or (text[end] in _APOSTROPHES and end + 1 < len(text) and _is_letter(text[end + 1]))
    ):
        end += 1
    return "word", end


def _is_letter(char: str) -> bool:
    return char not in _DIGITS and (char.isalnum() or "\u0300" <= char <= "\u036f")
