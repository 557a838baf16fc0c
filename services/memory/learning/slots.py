"""What a fact is about in one word, and which facts speak of the same thing."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_MANY = frozenset(
    {
        "likes",
        "dislikes",
        "allergy",
        "health",
        "speaks",
        "learning",
        "native_language",
        "plays",
        "hobby",
        "owns",
        "plan",
        "habit",
        "is_a",
        "trait",
        "fear",
        "skill",
        "wants",
        "been_to",
        "lived_in",
        "worked_as",
        "studied",
        "avoids",
        "told",
        "said",
        "has",
        "collects",
        "nickname",
        "nationality",
        "teaches",
        "volunteers",
        "eats",
    }
)
_MANY_PREFIXES: tuple[str, ...] = (
    *("pet:", "has:", "friend", "sibling", "sister", "brother", "child", "son", "daughter"),
    *("cousin", "aunt", "uncle", "niece", "nephew", "colleague", "neighbour"),
)
_OPPOSITES = {"likes": "taste", "dislikes": "taste"}
_SPELLINGS = {"color": "colour", "flavor": "flavour", "neighbor": "neighbour", "movie": "film"}
_LONGEST = 60
_NOT_WORD = re.compile(r"[^\w]+")
_LEADING_ARTICLE = re.compile(r"^(?:a|an|the|my|our|their|his|her|some)\s+")


def slug(words: str) -> str:
    """Return ``words`` as part of a slot: lower case, British spelling, no punctuation."""
    parts = _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", words).casefold()).split()
    return "_".join(_SPELLINGS.get(part, part) for part in parts)[:_LONGEST]


def plain(value: str) -> str:
    """Return ``value`` as it is compared: case, accents of width, articles, marks do not count."""
    text = _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", value).casefold()).strip()
    return _LEADING_ARTICLE.sub("", text) or text


def single(slot: str) -> bool:
    """Tell whether a later value of ``slot`` takes the place of an earlier one."""
    return slot not in _MANY and not slot.startswith(_MANY_PREFIXES)


def track(slot: str, value: str) -> str:
    """Name what one statement can contradict: the slot, or the slot's value where it has many."""
    if single(slot):
        return slot
    return f"{_OPPOSITES.get(slot, slot)}={plain(value)}"


def rivals(slot: str) -> tuple[str, ...]:
    """Return the slots whose facts may share a track with those of ``slot``."""
    shared = _OPPOSITES.get(slot)
    if shared is None:
        return (slot,)
    return tuple(each for each, name in _OPPOSITES.items() if name == shared)


def digest(about: str, slot: str, value: str) -> str:
    """Return what two statements of the same thing about the same one have in common."""
    parts = (plain(about), slot, plain(value))
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
