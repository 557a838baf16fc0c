"""What one key of an entry is and how it is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from services.persona.javascript_regex import JavaScriptRegex, read_regex
from services.persona.lore.javascript import is_one_word, trimmed

JOINER = "\n\x01"
"""What stands between the texts that are searched."""

_OLD_NAMES = re.compile(r"<(?:USER|BOT|CHAR|GROUP|CHARIFNOTGROUP)>", re.IGNORECASE)
_GAP = re.compile(rb"[^A-Za-z0-9_]")
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class KeyKind(Enum):
    """How a key is looked for; a ``MACRO`` has to be expanded first."""

    NEVER = "never"
    ALWAYS = "always"
    PLAIN = "plain"
    REGEX = "regex"
    MACRO = "macro"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """How plain keys of an entry are compared."""

    cased: bool
    whole_words: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as written, and what is searched for.

    ``needle`` is in lower case unless ``cased``. A ``whole`` key has no ASCII letter, digit or
    underscore beside it.
    """

    written: str
    kind: KeyKind
    needle: str = ""
    cased: bool = False
    whole: bool = False
    regex: JavaScriptRegex | None = None

    @property
    def crosses_texts(self) -> bool:
        """Whether the key may match from one text into the next."""
        return "\x01" in self.needle


def has_macros(text: str) -> bool:
    """Whether expanding macros may change ``text``."""
    return "{{" in text or ("<" in text and _OLD_NAMES.search(text) is not None)


def read_key(written: str, rules: KeyRules) -> Key:
    """Return the key; whether a regex is valid is not known here. Keys with macros stay closed."""
    if not written:
        return Key(written=written, kind=KeyKind.NEVER)
    if has_macros(written):
        return Key(written=written, kind=KeyKind.MACRO)
    return settled_key(trimmed(written), rules, written=written)


def settled_key(text: str, rules: KeyRules, *, written: str) -> Key:
    """Return the key for ``text``, in which nothing is left to expand or trim."""
    if not text:
        return Key(written=written, kind=KeyKind.ALWAYS)
    regex = read_regex(text)
    if regex is not None:
        return Key(written=written, kind=KeyKind.REGEX, regex=regex)
    return plain_key(text, rules, written=written)


def plain_key(text: str, rules: KeyRules, *, written: str) -> Key:
    """Return the key that looks for ``text`` as it stands; only single words can be whole."""
    needle = text if rules.cased else text.lower()
    return Key(
        written=written,
        kind=KeyKind.PLAIN,
        needle=needle,
        cased=rules.cased,
        whole=rules.whole_words and is_one_word(needle),
    )


def encoded(text: str) -> bytes:
    """Return ``text`` as bytes that can be searched; halves of surrogate pairs are allowed."""
    return text.encode("utf-8", "surrogatepass")


def is_whole(text: bytes, start: int, end: int) -> bool:
    """Whether no ASCII word character touches ``text[start:end]``."""
    return (start == 0 or text[start - 1] not in _WORD) and (
        end == len(text) or text[end] not in _WORD
    )


def occurs(needle: bytes, text: bytes, *, whole: bool) -> bool:
    """Whether ``needle`` is in ``text``."""
    start = text.find(needle)
    while start >= 0 and whole and not is_whole(text, start, start + len(needle)):
        follow = start + 1
        if start > 0 and text[start - 1] in _WORD:
            gap = _GAP.search(text, start)  # inside a word no place up to its end can do
            if gap is None:
                return False
            follow = gap.end()
        start = text.find(needle, follow)
    return start >= 0
