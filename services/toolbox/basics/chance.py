"""Dice, draws and choices."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from services.domain.errors import InvalidRequest

_MOST_DICE, _MOST_SIDES, _LARGEST = 100, 1_000_000, 10**15
_MOST_OPTIONS, _LONGEST_OPTION = 100, 200
_SHOWN = 20
_DICE = re.compile(r"\s*(\d{0,3})\s*[dDwW]\s*(\d{1,7}|%)\s*(?:([+-])\s*(\d{1,6}))?\s*")


def roll(notation: str, rng: random.Random) -> str:
    """Return a roll written like ``2d6+3``, with each die: ``2d6+3: 4 + 2 + 3 = 9``.

    ``d`` may be ``w``, one die may be left out, ``d%`` has a hundred sides. At most 100 dice of a
    million sides. Raises ``InvalidRequest``.
    """
    found = _DICE.fullmatch(notation[:40])
    if found is None:
        raise InvalidRequest("dice", "Write dice as 2d6 or 1d20+3.")
    count = int(found[1] or 1)
    sides = 100 if found[2] == "%" else int(found[2])
    if not (1 <= count <= _MOST_DICE and 1 <= sides <= _MOST_SIDES):
        raise InvalidRequest("dice", "Roll 1 to 100 dice with 1 to 1,000,000 sides.")
    more = int(found[4] or 0) * (-1 if found[3] == "-" else 1)
    thrown = [rng.randint(1, sides) for _ in range(count)]
    name = f"{count}d{sides}{more:+d}" if more else f"{count}d{sides}"
    if count == 1 and not more:
        return f"{name}: {thrown[0]}"
    dice = " + ".join(map(str, thrown[:_SHOWN])) + (" + …" if count > _SHOWN else "")
    added = f" {'+' if more > 0 else '-'} {abs(more)}" if more else ""
    return f"{name}: {dice}{added} = {sum(thrown) + more}"


def number(low: int, high: int, rng: random.Random) -> int:
    """Return a whole number from ``low`` to ``high``, both included, in whichever order."""
    if max(abs(low), abs(high)) > _LARGEST:
        raise InvalidRequest("number_range", "Numbers may have 15 digits.")
    return rng.randint(min(low, high), max(low, high))


def choose(options: Sequence[str], rng: random.Random) -> str:
    """Return one of the options; ``InvalidRequest`` without two or with more than a hundred."""
    given = [" ".join(one.split())[:_LONGEST_OPTION] for one in options]
    given = [one for one in given if one]
    if not 2 <= len(given) <= _MOST_OPTIONS:
        raise InvalidRequest("choice", "Name 2 to 100 things to choose from, with commas between.")
    return rng.choice(given)


def options_in(text: str) -> list[str]:
    """Return what a person lists: parted by commas, bars or lines, or by ``or``."""
    parts = re.split(r"[,|;\n]", text)
    if len(parts) == 1:
        parts = re.split(r"\s+(?:or|oder)\s+", text)
    else:
        parts = [re.sub(r"^\s*(?:or|oder|and|und)\s+", "", part) for part in parts]
    return [part.strip().rstrip("?") for part in parts if part.strip(" ?")]
