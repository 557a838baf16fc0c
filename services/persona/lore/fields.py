"""Values as lorebooks in the wild hold them, read as what was clearly meant."""

from __future__ import annotations

import math
from collections.abc import Mapping

from services.persona.cards.leniency import as_flag, as_number, as_text
from services.persona.lore.entry import CharacterFilter, Position, Role, Source, Uid

_POSITIONS: Mapping[str, int] = {
    "before_char": Position.BEFORE,
    "before": Position.BEFORE,
    "after_char": Position.AFTER,
    "after": Position.AFTER,
    "antop": Position.NOTE_TOP,
    "anbottom": Position.NOTE_BOTTOM,
    "atdepth": Position.AT_DEPTH,
    "at_depth": Position.AT_DEPTH,
    "emtop": Position.EXAMPLES_TOP,
    "embottom": Position.EXAMPLES_BOTTOM,
    "outlet": Position.OUTLET,
}
_ROLES: Mapping[str, int] = {
    "system": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_NO_SOURCES: frozenset[Source] = frozenset()
EVERYBODY = CharacterFilter()
"""The filter that lets every character pass."""

_LARGEST = 2**63
NOWHERE = -1
"""A position that does not exist."""


def flag(value: object, *, default: bool = False) -> bool:
    """Return a truth value; ``default`` for null and what is none."""
    if value is None:
        return default
    if value is True or value is False:
        return value
    read = as_flag(value)
    return default if read is None else read


def optional_flag(value: object) -> bool | None:
    """Return a truth value, or ``None`` for null and what is none."""
    return None if value is None else as_flag(value)


def number(value: object, *, default: float = 0) -> float:
    """Return a number; ``default`` for null and what is none. A truth value is 1 or 0.

    Whole numbers end at 2 to the 63rd, far beyond what any field means.
    """
    if value is None:
        return default
    if isinstance(value, bool):
        return int(value)
    read = as_number(value)
    if read is None:
        return default
    return max(-_LARGEST, min(_LARGEST, read)) if isinstance(read, int) else read


def whole(value: object, *, default: int = 0) -> int:
    """Return a whole number; ``default`` for null and what is none."""
    return max(-_LARGEST, min(_LARGEST, int(number(value, default=default))))


def optional_whole(value: object) -> int | None:
    """Return a whole number, or ``None`` for null and what is none."""
    if value is None:
        return None
    read = as_number(value)
    return None if read is None else whole(read)


def text(value: object) -> str:
    """Return text; nothing for null."""
    return value if isinstance(value, str) else as_text(value)


def words(value: object) -> tuple[str, ...]:
    """Return a list of texts; text with commas is taken for one."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not value or not isinstance(value, (list, tuple)):
        return ()
    return tuple([text(item) for item in value if item is not None])


def level(value: object) -> float:
    """Return the level of a delay until recursion: true is 1."""
    read = number(value, default=-1)
    return max(0, read) if read != -1 else int(flag(value))


def position(value: object) -> int:
    """Return a position by its number or name; missing is before the character."""
    if value is None:
        return Position.BEFORE
    if isinstance(value, str) and value.strip().lower() in _POSITIONS:
        return _POSITIONS[value.strip().lower()]
    read = as_number(value)
    return NOWHERE if read is None else whole(read)


def role(value: object) -> int:
    """Return a role by its number or name; missing is the system's."""
    if isinstance(value, str) and value.strip().lower() in _ROLES:
        return _ROLES[value.strip().lower()]
    read = whole(value)
    return read if read in _ROLES.values() else Role.SYSTEM


def uid(value: object, *, default: Uid) -> Uid:
    """Return an id in the type it is written in; ``default`` for null and what is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else default
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return value
    return default


def character_filter(value: object) -> CharacterFilter:
    """Return whom an entry is for; everybody for null."""
    if not isinstance(value, Mapping):
        return EVERYBODY
    return CharacterFilter(
        exclude=flag(value.get("isExclude")),
        names=words(value.get("names")),
        tags=words(value.get("tags")),
    )


def sources(raw: Mapping[str, object], names: Mapping[str, Source]) -> frozenset[Source]:
    """Return the sources whose switch, by one of its names, is on."""
    if names.keys().isdisjoint(raw):
        return _NO_SOURCES
    return frozenset(source for name, source in names.items() if flag(raw.get(name)))
