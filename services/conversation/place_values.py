"""From what people write to the values of a place's settings, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from services.conversation.blocked_words import compiled
from services.domain.errors import InvalidRequest
from services.persona.style import CASUAL, DETAILED, QUICK, STORY

Parse = Callable[[str], Any]
Show = Callable[[Any], str]

LENGTHS: Mapping[str, int] = {
    "quick": QUICK,
    "casual": CASUAL,
    "detailed": DETAILED,
    "storytelling": STORY,
}
"""Lengths of answers in tokens, by name."""

_CODE = "place_value"
_SHORTEST, _LONGEST = 50, 500
_MOST_ANSWERS = 10_000
MOST_MINUTES = 1_440
_ON = frozenset({"on", "yes", "true", "1"})
_OFF = frozenset({"off", "no", "false", "0"})
_NONE = frozenset({"none", "nothing", "off"})
_NEVER = frozenset({"never", "off", "0"})
_ITEM = re.compile(r"\s*(/(?:[^/\\\n]|\\.)+/[a-z]*(?=\s*(?:[,\n]|$))|[^,\n]+)")
_ROLE = re.compile(r"[\w.:-]{1,64}")


def switch(text: str) -> bool:
    """Read ``on`` or ``off``."""
    word = text.strip().lower()
    if word not in _ON | _OFF:
        raise InvalidRequest(_CODE, "Write on or off.")
    return word in _ON


def shown_switch(value: bool) -> str:  # noqa: FBT001  a value, shown
    """Return ``on`` or ``off``."""
    return "on" if value else "off"


def chance(text: str) -> float:
    """Read a chance, as 5% or 0.05."""
    number = text.strip()
    try:
        value = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise InvalidRequest(_CODE, "Write a chance as 5% or 0.05, from 0% to 100%.")
    return value


def shown_chance(value: float) -> str:
    """Return a chance in percent."""
    return f"{value * 100:g}%"


def limit(text: str) -> int:
    """Read how many answers a window may have."""
    return _number(text, 1, _MOST_ANSWERS, "Write a number from 1 to 10000.")


def minutes(text: str) -> int:
    """Read a number of minutes; ``never`` is 0."""
    word = text.strip().lower()
    if word in _NEVER:
        return 0
    number = re.sub(r"\s*min(ute)?s?$", "", word)
    return _number(number, 1, MOST_MINUTES, f"Write never, or minutes from 1 to {MOST_MINUTES}.")


def shown_minutes(value: int) -> str:
    """Return a number of minutes."""
    return f"{value} minute{'' if value == 1 else 's'}" if value else "never"


def length(text: str) -> int:
    """Read a length of answers in tokens, by name or as a number."""
    named = LENGTHS.get(text.strip().lower())
    if named is not None:
        return named
    names = ", ".join(LENGTHS)
    return _number(
        text, _SHORTEST, _LONGEST, f"Write {names}, or a number of tokens from 50 to 500."
    )


def shown_length(value: int) -> str:
    """Return a length by its name, if it has one, and in tokens."""
    name = next((name for name, tokens in LENGTHS.items() if tokens == value), None)
    return f"{name} ({value} tokens)" if name else f"{value} tokens"


def words(*, most: int, longest: int = 100) -> Parse:
    """Return what reads up to ``most`` words or phrases between commas; ``none`` is no word."""

    def parse(text: str) -> tuple[str, ...]:
        found = _unique(text.split(","))
        if found == ("none",):
            return ()
        _check_words(found, most=most, longest=longest)
        return found

    return parse


def blocked(text: str) -> tuple[str, ...]:
    """Read words and ``/expressions/``, separated by commas or lines; blocking.

    Commas between the slashes of an expression belong to it.
    """
    found = _unique(_ITEM.findall(text))
    if found == ("none",):
        return ()
    _check_words(found, most=200, longest=300)
    compiled(found)
    return found


def some_of(names: Sequence[str]) -> Parse:
    """Return what reads a choice among ``names``, in their order; ``none`` is none of them."""

    def parse(text: str) -> tuple[str, ...]:
        wanted = {word.lower() for word in re.split(r"[,\s]+", text.strip()) if word}
        if wanted and wanted <= _NONE:
            return ()
        if not wanted or not wanted <= set(names):
            raise InvalidRequest(_CODE, f"Write none, or some of: {', '.join(names)}.")
        return tuple(name for name in names if name in wanted)

    return parse


def one_of(names: Callable[[], Sequence[str]]) -> Parse:
    """Return what reads one of ``names``, which are asked for each time."""

    def parse(text: str) -> str:
        known = names()
        wanted = text.strip().lower()
        if wanted not in known:
            raise InvalidRequest(_CODE, f"Write one of: {', '.join(known)}.")
        return wanted

    return parse


def roles(text: str) -> tuple[str, ...]:
    """Read the ids of up to 20 roles of the platform."""
    found = _unique(re.split(r"[,\s]+", text))
    if found == ("none",):
        return ()
    if not 1 <= len(found) <= 20 or not all(map(_ROLE.fullmatch, found)):
        raise InvalidRequest(_CODE, "Write the ids of up to 20 roles, separated by commas.")
    return found


def line(longest: int) -> Parse:
    """Return what reads one line of at most ``longest`` characters."""

    def parse(text: str) -> str:
        text = text.strip()
        if not text or len(text) > longest or not text.isprintable():
            raise InvalidRequest(_CODE, f"Write one line of at most {longest} characters.")
        return text

    return parse


def paragraphs(longest: int) -> Parse:
    """Return what reads a text of at most ``longest`` characters."""

    def parse(text: str) -> str:
        text = text.strip()
        if not text or len(text) > longest:
            raise InvalidRequest(
                _CODE, f"Write a text of 1 to {longest:,} characters; that has {len(text):,}."
            )
        return text

    return parse


def shown_words(value: Sequence[str]) -> str:
    """Return words between commas, or ``none``."""
    return ", ".join(value) or "none"


def _number(text: str, least: int, most: int, sentence: str) -> int:
    try:
        value = int(text.strip())
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise InvalidRequest(_CODE, sentence)
    return value


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(str.strip, texts))))


def _check_words(found: Sequence[str], *, most: int, longest: int) -> None:
    if not found or len(found) > most or any(len(word) > longest for word in found):
        raise InvalidRequest(
            _CODE,
            f"Write up to {most} words, separated by commas, of {longest} characters at most.",
        )
