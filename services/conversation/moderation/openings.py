"""Where in a text a match may begin, told by its first two characters with Python's ``re``."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from services.conversation.moderation.expressions import Chars, folded_char

# Where Unicode keeps letters that are small, capital or styled forms of others.
_FOLDING_BLOCKS = (
    range(0x80, 0x3000),
    range(0xA640, 0xABC0),
    range(0xF900, 0x10000),
    range(0x10400, 0x10600),
    range(0x1D400, 0x1D800),
    range(0x1F130, 0x1F1B0),
)
_INVISIBLE_BLOCKS = (range(0x80, 0x3000), range(0xFE00, 0x10000), range(0xE0000, 0xE0080))
_EVERYTHING = "\x00-\U0010ffff"
_MOST_ENUMERATED = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How matches begin: a character of ``first``, then one of ``second``.

    ``second`` is ``None`` where anything may follow, ``at_word`` where no word goes on before.
    """

    first: Chars
    second: frozenset[Chars] | None
    at_word: bool


def candidates(openings: Iterable[Opening]) -> re.Pattern[str]:
    """Return a pattern that finds every place where a match may begin, and some others.

    At the end of a text the first character decides alone.
    """
    ways: dict[tuple[frozenset[Chars] | None, bool], set[Chars]] = defaultdict(set)
    for opening in openings:
        ways[opening.second, opening.at_word].add(opening.first)
    if not ways:
        return re.compile("(?!)")
    inside: list[str] = []
    at_words: list[str] = []
    for (second, at_word), group in ways.items():
        branch = f"[{_class(group)}]"
        if second is not None:
            branch += rf"(?=[{_class(second)}]|\Z)"
        (at_words if at_word else inside).append(branch)
    if at_words:
        inside.append(f"(?<![A-Za-z0-9_])(?:{'|'.join(at_words)})")
    return re.compile("|".join(inside))


def invisible(char: str) -> bool:
    """Whether ``char`` shows nothing of its own: format characters and accents apart."""
    return not char.isascii() and char in _invisible()


def _class(group: Iterable[Chars]) -> str:
    """Return the inside of a class that contains all characters of ``group``, at least."""
    singles: set[str] = set()
    parts: set[str] = set()
    for chars in group:
        if chars.negated or any(kind.isupper() for kind in chars.kinds):
            return _EVERYTHING
        parts.update(f"\\{kind}" for kind in chars.kinds)
        parts.update(f"{re.escape(low)}-{re.escape(high)}" for low, high in chars.ranges)
        singles |= chars.singles
        if chars.folded:
            singles |= _forms(chars) | _invisible()
    if any(char > "\uffff" for char in singles):  # Python looks these up one after the other
        singles = {char for char in singles if char <= "\uffff"}
        parts.add("\U00010000-\U0010ffff")
    return "".join(sorted(map(re.escape, singles))) + "".join(sorted(parts))


def _forms(chars: Chars) -> set[str]:
    """Return the characters that are compared as one of ``chars``."""
    plain = set(chars.singles)
    for low, high in chars.ranges:
        codes = range(ord(low), min(ord(high) + 1, ord(low) + _MOST_ENUMERATED))
        plain.update(map(chr, codes))
    forms = plain | {folded_char(char) for char in plain}
    return forms.union(*(_unfolded().get(char, ()) for char in forms))


@lru_cache(maxsize=1)
def _unfolded() -> dict[str, set[str]]:
    forms: dict[str, set[str]] = defaultdict(set)
    for block in (range(0x80), *_FOLDING_BLOCKS):
        for char in map(chr, block):
            if (folded := folded_char(char)) != char:
                forms[folded].add(char)
    return dict(forms)


@lru_cache(maxsize=1)
def _invisible() -> frozenset[str]:
    chars = (chr(code) for block in _INVISIBLE_BLOCKS for code in block)
    accents = map(chr, range(0x300, 0x370))
    return frozenset(char for char in chars if unicodedata.category(char) == "Cf").union(accents)
