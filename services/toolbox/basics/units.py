"""Amounts in other units."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from services.domain.errors import InvalidRequest
from services.toolbox.basics.arithmetic import shown

if TYPE_CHECKING:
    from pint import UnitRegistry

_LONGEST_UNIT = 40
_SUM = re.compile(r"(?<!\^)\d|\d\d|\^(?!\d)")
"""A number elsewhere than as a power of one digit: pint would work it out, however large."""
_SAID = {
    "c": "degC",
    "°c": "degC",
    "celsius": "degC",
    "grad celsius": "degC",
    "f": "degF",
    "°f": "degF",
    "fahrenheit": "degF",
    "k": "kelvin",
    "meilen": "mile",
    "meile": "mile",
    "fuß": "foot",
    "zoll": "inch",
    "stunden": "hour",
    "stunde": "hour",
    "minuten": "minute",
    "sekunden": "second",
    "tage": "day",
    "pfund": "pound",
    "unzen": "ounce",
    "gramm": "gram",
    "kilogramm": "kilogram",
    "tonnen": "tonne",
    "kmh": "km/h",
    "mph": "mile/hour",
    "lbs": "pound",
    "stones": "stone",
    "cups": "cup",
    "gb": "gigabyte",
    "mb": "megabyte",
    "kb": "kilobyte",
    "tb": "terabyte",
}


def convert(amount: float, unit: str, into: str) -> str:
    """Return an amount in another unit, as ``12 mile = 19.312128 kilometer``.

    Units are written as in SI or in words, English or German. Raises ``InvalidRequest`` for units
    nobody knows or that measure something else.
    """
    from pint import DimensionalityError  # noqa: PLC0415  only for those who convert

    source, target = _unit(unit), _unit(into)
    units = _units()
    try:
        found = units.Quantity(amount, source).to(target)
    except DimensionalityError as error:
        raise InvalidRequest(
            "units_differ", f"{unit[:40]} and {into[:40]} do not measure the same thing."
        ) from error
    except (OverflowError, ArithmeticError, TypeError, ValueError) as error:
        raise InvalidRequest("units_range", "That amount cannot be converted.") from error
    given, got = shown(_tidy(amount)), shown(_tidy(found.magnitude))
    return f"{given} {_named(source)} = {got} {_named(target)}"


def _named(unit: str) -> str:
    return f"{_units().Unit(unit):~P}" or unit


def _tidy(value: float) -> int | float:
    rounded = float(f"{value:.8g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _unit(text: str) -> str:
    """Return what pint calls a unit; only names, powers and quotients are read."""
    written = text.strip()
    said = _SAID.get(written.casefold(), written)
    if not said or len(said) > _LONGEST_UNIT or not _plain(said):
        raise _unknown(text)
    units = _units()
    for name in (said, said.lower(), said.lower().removesuffix("s")):
        try:
            units.Unit(name)
        except Exception:  # noqa: BLE001, S112  pint raises many kinds for what is no unit
            continue
        return name
    raise _unknown(text)


def _plain(text: str) -> bool:
    """Tell whether nothing stands in ``text`` that would take long to work out."""
    return all(letter.isalpha() or letter in " °µΩ/*^_23" for letter in text) and (
        _SUM.search(text) is None and text.count("^") <= 2
    )


def _unknown(text: str) -> InvalidRequest:
    return InvalidRequest("unit_unknown", f"There is no unit called {text[:40]}.")


@cache
def _units() -> UnitRegistry[float]:
    from pint import UnitRegistry  # noqa: PLC0415

    return UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)
