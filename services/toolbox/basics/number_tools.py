"""Tools that calculate and convert."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from services.toolbox.basics.arithmetic import LONGEST_EXPRESSION, calculate, shown
from services.toolbox.basics.building import basic_tool
from services.toolbox.basics.units import convert
from services.toolbox.spec import ToolContext, ToolSpec

Amount = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Unit = Annotated[str, Field(min_length=1, max_length=40)]


class _Expression(BaseModel):
    expression: str = Field(
        min_length=1, max_length=LONGEST_EXPRESSION, description="Such as (3 + 4) * 2^3."
    )


class _Percent(BaseModel):
    percent: Amount = Field(description="How many percent.")
    of: Amount = Field(description="Of which number.")


class _Rounding(BaseModel):
    number: Amount
    digits: int = Field(0, ge=-15, le=15, description="Digits after the point.")


class _Temperature(StrEnum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"
    KELVIN = "kelvin"


class _Temperatures(BaseModel):
    amount: Amount
    unit: _Temperature
    into: _Temperature


class _Units(BaseModel):
    amount: Amount
    unit: Unit = Field(description="Such as km, mile, kg, lb, liter, km/h.")
    into: Unit


async def _calculate(given: _Expression, _: ToolContext) -> str:
    return f"{given.expression} = {calculate(given.expression)}"


async def _percentage(given: _Percent, _: ToolContext) -> str:
    return (
        f"{shown(given.percent)} % of {shown(given.of)} = {shown(given.of * given.percent / 100)}"
    )


async def _round(given: _Rounding, _: ToolContext) -> str:
    return shown(round(given.number, given.digits))


async def _temperature(given: _Temperatures, _: ToolContext) -> str:
    return await asyncio.to_thread(convert, given.amount, given.unit.value, given.into.value)


async def _units(given: _Units, _: ToolContext) -> str:
    return await asyncio.to_thread(convert, given.amount, given.unit, given.into)


def number_tools() -> Sequence[ToolSpec]:
    """Return the tools for arithmetic and units."""
    area = "calculation"
    return [
        basic_tool(
            area,
            "calculate",
            "Works out arithmetic exactly. Use it for every calculation.",
            _Expression,
            _calculate,
            "calculate compute sum plus minus times divided multiply sqrt root rechne berechne mal",
            r"\d\s*(?:[-+*/\u00d7\u00f7^]|\b(?:plus|minus|times|mal|divided by|durch)\b)\s*\(?\d"
            r"|\bsquare root\b|\bwurzel\b",
        ),
        basic_tool(
            area,
            "percentage",
            "Tells what some percent of a number are.",
            _Percent,
            _percentage,
            "percent percentage prozent tip trinkgeld",
            r"\d\s*(?:%|percent|prozent)",
        ),
        basic_tool(
            area,
            "round_number",
            "Rounds a number to some digits after the point.",
            _Rounding,
            _round,
            "round rounding rounded runde gerundet decimals",
        ),
        basic_tool(
            "units",
            "convert_temperature",
            "Converts a temperature between celsius, fahrenheit and kelvin.",
            _Temperatures,
            _temperature,
            "celsius fahrenheit kelvin degrees grad",
            r"\d\s*°",
        ),
        _unit_tool(
            "distance",
            "length or distance",
            "km mile miles meter foot feet inch inches cm yard meilen kilometer zoll fuß",
        ),
        _unit_tool("weight", "weight", "kg pound pounds lb lbs ounce gram stone pfund gramm unzen"),
        _unit_tool(
            "units",
            "amount of anything else, such as volume, speed, area, time or data",
            "liter litre gallon cup mph kmh convert umrechnen hectare acre megabyte gigabyte",
        ),
    ]


def _unit_tool(kind: str, what: str, keywords: str) -> ToolSpec:
    return basic_tool(
        "units",
        f"convert_{kind}",
        f"Converts a {what} into another unit.",
        _Units,
        _units,
        keywords,
    )
