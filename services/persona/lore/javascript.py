"""What JavaScript does a little differently from Python with text and objects."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_SPACES = re.compile(f"[{_SPACE}]")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LARGEST_INDEX = 2**32 - 2


def trimmed(text: str) -> str:
    """Return ``text`` as ``String.prototype.trim`` leaves it."""
    return text.strip(_SPACE)


def is_one_word(text: str) -> bool:
    r"""Whether ``text`` holds nothing that ``\s`` matches."""
    return _SPACES.search(text) is None


def utf16_length(text: str) -> int:
    """Return ``length`` as JavaScript counts it."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def property_order(names: Iterable[str]) -> list[str]:
    """Return ``names`` in the order an object lists them: whole numbers first, ascending."""
    numbers: list[str] = []
    others: list[str] = []
    for name in names:
        is_index = _INDEX.fullmatch(name) and int(name) <= _LARGEST_INDEX
        (numbers if is_index else others).append(name)
    return sorted(numbers, key=int) + others
