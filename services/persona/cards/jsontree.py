"""JSON as it stands in cards: parsed within bounds, frozen, and written back unchanged."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NoReturn

from services.persona.cards.limits import CardProblem

_DEEPEST = 100
# Far above any card, low enough that what is parsed stays below 100 MB.
_MOST_CONTAINERS = 250_000
_MOST_VALUES = 1_000_000
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def parse(data: bytes) -> object:
    """Return the JSON value in ``data`` (UTF-8, -16 or -32, with or without a byte order mark).

    Bytes that are not text become U+FFFD. Raises ``CardProblem`` for what is not JSON, not a
    finite number, or too large or too deep a structure.
    """
    encoding = json.detect_encoding(data)
    text = data.decode(encoding, errors="replace").lstrip("\ufeff").rstrip("\0")
    check_structure(text)
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise CardProblem("card_unreadable", "its text is not valid JSON") from error
    _check_depth(value)
    return value


def check_structure(text: str) -> None:
    """Raise ``CardProblem`` when JSON in ``text`` could hold more values than any card."""
    if (
        text.count("{") + text.count("[") > _MOST_CONTAINERS
        or text.count(",") + text.count(":") > _MOST_VALUES
    ):
        raise CardProblem("card_too_large", "its JSON holds too many values")


def freeze(value: object) -> object:
    """Return ``value`` with mappings read-only and lists as tuples."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(inner) for key, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple([freeze(inner) for inner in value])
    return value


def thaw(value: object) -> object:
    """Return a copy of ``value`` in plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: thaw(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw(inner) for inner in value]
    return value


def dump(value: object, *, indent: int | None = None) -> bytes:
    """Return ``value`` as JSON in UTF-8; halves of surrogate pairs stay, as escapes."""
    separators = (",", ":") if indent is None else None
    write = partial(json.dumps, value, indent=indent, separators=separators, default=_opened)
    try:
        return write(ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return write().encode()


def _opened(value: object) -> dict[str, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def sound(text: str) -> str:
    """Return ``text`` with halves of surrogate pairs as U+FFFD, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _check_depth(value: object) -> None:
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return
    raise _too_deep()


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> CardProblem:
    return CardProblem("card_too_deep", "its JSON is nested too deeply")


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(literal)
    return number


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(literal)
