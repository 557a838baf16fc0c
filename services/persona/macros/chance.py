"""Macros that leave something to chance."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.persona.macros.engine import Call

Function = Callable[["Call"], str | None]

_DICE = re.compile(r"(\d{0,5})d(\d{1,9})\s*([+-]\s*\d{1,9})?", re.IGNORECASE)
_MOST_DICE = 10_000
_COMMA = re.compile(r"(?<!\\),")


def _random(macro: Call) -> str:
    items = _items(macro)
    return items[macro.environment.rng.randrange(len(items))] if items else ""


def _pick(macro: Call) -> str:
    items = _items(macro)
    if not items:
        return ""
    return items[random.Random(macro.seed()).randrange(len(items))]


def _items(macro: Call) -> list[str]:
    if macro.count == 0:
        return []
    if macro.count > 1:
        return [macro.argument(index) for index in range(macro.count)]
    return [part.strip().replace("\\,", ",") for part in _COMMA.split(macro.raw(0))]


def _roll(macro: Call) -> str:
    formula = macro.rest().strip()
    if formula.isascii() and formula.isdigit():
        formula = f"1d{formula}"
    match = _DICE.fullmatch(formula)
    if match is None:
        return ""
    count, sides = int(match[1] or 1), int(match[2])
    if not 1 <= count <= _MOST_DICE or sides < 1 or not macro.spend(count):
        return ""
    rng = macro.environment.rng
    bonus = int((match[3] or "0").replace(" ", ""))
    return str(sum(rng.randint(1, sides) for _ in range(count)) + bonus)


FUNCTIONS: Mapping[str, Function] = {"random": _random, "pick": _pick, "roll": _roll}
