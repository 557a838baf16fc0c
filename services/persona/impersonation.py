"""Names under which a character cannot be taken for a person or for the platform."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import count

LONGEST = 80
"""Characters a shown name has at most: the limit of webhook names on Discord."""

NAMELESS = "Character"
"""What a character is called whose name leaves nothing to show."""

RESERVED = frozenset(
    {
        *("discord", "clyde", "system", "server", "automod", "webhook", "everyone", "here"),
        *("moderator", "moderators", "mod", "mods", "admin", "admins", "administrator", "owner"),
        *("official", "staff", "support", "helpdesk", "verified"),
    }
)
"""Words that speak for a platform or for those who run a place."""

_REFUSED = re.compile("(dis)(cord)|(cly)(de)", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_LATIN = re.compile(r"LATIN (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .+)?")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
# Letters of other scripts that look like small Latin ones, by what they look like.
_LOOKALIKES = {
    "a": "\u0430\u03b1", "b": "\u0432\u044c\u03b2", "c": "\u0441\u03f2", "d": "\u0501",
    "e": "\u0435\u0454\u03b5\u04bd", "g": "\u0261\u050d\u0581", "h": "\u04bb\u0570\u043d",
    "i": "\u0456\u03b9", "j": "\u0458\u03f3", "k": "\u043a\u03ba", "l": "\u04cf",
    "m": "\u043c\u03fb", "n": "\u0578\u043f\u03b7", "o": "\u043e\u03bf\u03c3\u0585\u04e9",
    "p": "\u0440\u03c1", "q": "\u051b\u0563", "r": "\u0433\u1d26", "s": "\u0455",
    "t": "\u0442\u03c4", "u": "\u03c5\u057d\u0446\u0574", "v": "\u03bd\u0475",
    "w": "\u051d\u03c9\u0448\u0561", "x": "\u0445\u03c7", "y": "\u0443\u03b3\u04af",
    "z": "\u03b6",
}  # fmt: skip
_TABLE = {other: latin for latin, others in _LOOKALIKES.items() for other in others}
_TWINS = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o", "5": "s"})
_ASCII_LOOKS = {
    code: chr(code).translate(_TWINS) if chr(code).isalnum() or chr(code) == "|" else None
    for code in range(128)
}


def shown_name(name: str, *, taken: Collection[str]) -> str:
    """Return the name a character called ``name`` may use where people called ``taken`` are.

    It has no invisible characters, 1 to 80 visible ones, and neither "discord" nor "clyde" in it,
    which Discord refuses. Where it looks like one of ``taken``, or has a reserved word in it,
    " (character)" follows.
    """
    plain = _visible(name) or NAMELESS
    people = {skeleton(each) for each in taken}
    candidate = _cut(plain)
    if skeleton(candidate) not in people and not _speaks_for_the_place(plain):
        return candidate
    suffixes = (f" (character {n})" if n > 1 else " (character)" for n in count(1))
    candidates = (_cut(plain, suffix) for suffix in suffixes)
    return next(each for each in candidates if skeleton(each) not in people)


def skeleton(name: str) -> str:
    """Return what ``name`` looks like; names with equal skeletons are hard to tell apart.

    Case, width, accents, invisible characters, spaces and punctuation do not count, and letters
    that look alike are one.
    """
    if name.isascii():
        letters = "".join(filter(str.isprintable, name))
        look = letters.lower().translate(_ASCII_LOOKS)
    else:
        letters = "".join(_plain_letters(name)).translate(_TWINS)
        look = "".join(filter(str.isalnum, letters))
    return look.replace("rn", "m") or letters.strip()


def mixed_words_folded(text: str) -> str:
    """Return ``text`` with Latin letters for look-alikes in words that mix them with Latin."""
    if text.isascii():
        return text
    return _WORDS.sub(lambda word: _folded_if_mixed(word[0]), text)


def _folded_if_mixed(word: str) -> str:
    foreign = any(char in _TABLE for char in word.casefold())
    if not foreign or not any(char.isascii() and char.isalpha() for char in word):
        return word
    return "".join(_TABLE.get(char, char) for char in word.casefold())


def _plain_letters(text: str) -> Iterator[str]:
    for char in unicodedata.normalize("NFKC", text).casefold():
        for part in unicodedata.normalize("NFKD", _look(char)):
            if unicodedata.category(part)[0] not in {"M", "C"} and part not in _BLANK:
                yield _look(part)


@lru_cache(maxsize=4096)
def _look(char: str) -> str:
    if char.isascii():
        return char
    if char in _TABLE:
        return _TABLE[char]
    latin = _LATIN.fullmatch(unicodedata.name(char, ""))
    return latin[1].lower() if latin else char


def _speaks_for_the_place(name: str) -> bool:
    words = [*_WORDS.findall(name), *re.split(r"[\W_]+", name), name]
    looks = {skeleton(word) for word in words if word}
    return not looks.isdisjoint(_reserved_looks())


@lru_cache(maxsize=1)
def _reserved_looks() -> frozenset[str]:
    return frozenset(map(skeleton, RESERVED))


def _visible(name: str) -> str:
    """Return ``name`` composed, without invisible characters and with single spaces."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFC", name):
        joins = char in {_JOINER, _EMOJI_STYLE} and kept and _pictorial(kept[-1])
        if char.isspace():
            kept.append(" ")
        elif joins or (unicodedata.category(char)[0] != "C" and char not in _BLANK):
            kept.append(char)
    text = " ".join("".join(kept).replace("```", "").split()).strip(_JOINER + _EMOJI_STYLE)
    return "" if all(unicodedata.category(char)[0] in "MZ" for char in text) else text


def _pictorial(char: str) -> bool:
    return unicodedata.category(char) in {"So", "Sk"} or char == _EMOJI_STYLE


def _cut(name: str, suffix: str = "") -> str:
    composed = unicodedata.normalize("NFKC", name)
    if _REFUSED.search(composed):
        name = composed
    broken = _REFUSED.sub(lambda found: f"{found[1] or found[3]}-{found[2] or found[4]}", name)
    room = LONGEST - len(suffix)
    return broken[:room].rstrip(f" {_JOINER}") + suffix
