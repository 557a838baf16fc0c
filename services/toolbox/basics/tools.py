"""The basic tools: time, arithmetic, units, chance and text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from services.domain.clock import Clock
from services.toolbox.basics import chance, texts
from services.toolbox.basics.building import basic_tool
from services.toolbox.basics.number_tools import number_tools
from services.toolbox.basics.time_tools import FindZone, time_tools
from services.toolbox.spec import ToolContext, ToolSpec

Text = Annotated[str, Field(max_length=10_000)]


class _Dice(BaseModel):
    dice: str = Field("1d6", max_length=40, description="Such as 2d6 or d20+3.")


class _Range(BaseModel):
    low: int = Field(1, ge=-(10**15), le=10**15)
    high: int = Field(100, ge=-(10**15), le=10**15)


class _Options(BaseModel):
    options: list[Annotated[str, Field(max_length=200)]] = Field(min_length=2, max_length=100)


class _Counted(BaseModel):
    text: Text


class _Address(BaseModel):
    address: str = Field(max_length=2_000)


def basic_tools(*, clock: Clock, rng: random.Random, find_zone: FindZone) -> Sequence[ToolSpec]:
    """Return the basic tools; none needs anything but this process."""
    return [
        *time_tools(clock, find_zone),
        *number_tools(),
        *_chance_tools(rng),
        *_text_tools(),
    ]


def _chance_tools(rng: random.Random) -> Sequence[ToolSpec]:
    async def dice(given: _Dice, _: ToolContext) -> str:
        return chance.roll(given.dice, rng)

    async def draw(given: _Range, _: ToolContext) -> str:
        return str(chance.number(given.low, given.high, rng))

    async def choice(given: _Options, _: ToolContext) -> str:
        return chance.choose(given.options, rng)

    return [
        basic_tool(
            "chance",
            "roll_dice",
            "Rolls dice and tells the result.",
            _Dice,
            dice,
            "roll dice die würfel würfle würfeln",
            r"\b\d{0,3}[dw]\d{1,4}\b",
        ),
        basic_tool(
            "chance",
            "random_number",
            "Draws a random whole number between two numbers.",
            _Range,
            draw,
            "random number zufallszahl zufällig",
        ),
        basic_tool(
            "chance",
            "random_choice",
            "Chooses one of several things at random.",
            _Options,
            choice,
            "choose pick random coin flip decide wähle münze entscheide",
            r"\bflip a coin\b|\bmünze\b|\bpick (?:one|between)\b",
        ),
    ]


async def _words(given: _Counted, _: ToolContext) -> str:
    return f"{texts.count_words(given.text)} words"


async def _characters(given: _Counted, _: ToolContext) -> str:
    return texts.count_characters(given.text)


async def _url(given: _Address, _: ToolContext) -> str:
    return _verdict("address of the web", texts.web_address_fault(given.address))


async def _mail(given: _Address, _: ToolContext) -> str:
    return _verdict("e-mail address", texts.mail_address_fault(given.address))


def _verdict(kind: str, fault: str | None) -> str:
    return f"It is a valid {kind}." if fault is None else f"It is no valid {kind}: {fault}."


def _text_tools() -> Sequence[ToolSpec]:
    area = "text"
    return [
        basic_tool(
            area,
            "count_words",
            "Counts the words of a text.",
            _Counted,
            _words,
            "count words wörter zählen",
            r"\bhow many words\b|\bwie viele wörter\b",
        ),
        basic_tool(
            area,
            "count_characters",
            "Counts the characters of a text.",
            _Counted,
            _characters,
            "count characters letters zeichen buchstaben",
            r"\bhow many (?:characters|letters)\b|\bwie viele (?:zeichen|buchstaben)\b",
        ),
        basic_tool(
            area,
            "check_url",
            "Tells whether a web address is well formed. Does not open it.",
            _Address,
            _url,
            "url valid gültig",
        ),
        basic_tool(
            area,
            "check_email",
            "Tells whether an e-mail address is well formed.",
            _Address,
            _mail,
            "email mail valid gültig",
        ),
    ]
