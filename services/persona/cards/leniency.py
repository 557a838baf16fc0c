"""Reading a value of the wrong type as what was clearly meant."""

from __future__ import annotations

import math
from collections.abc import Mapping

from services.persona.cards.jsontree import dump

_LONGEST_NUMBER = 64
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def as_number(value: object) -> int | float | None:
    """Return ``value``, or the number its text spells; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        return _spelled(value.strip())
    return None


def as_flag(value: object) -> bool | None:
    """Return ``value``, or the truth its number or word means; ``None`` for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def as_text(value: object) -> str:
    """Return ``value`` as text: a list of texts by line, null as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return dump(value).decode()


def as_mapping(value: object) -> Mapping[str, object]:
    """Return ``value`` if it is an object, an empty one otherwise."""
    return value if isinstance(value, Mapping) else {}


def _spelled(text: str) -> int | float | None:
    if not text.isascii() or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
