"""The last touch before a text is spoken: tables, units, signs, and how names are said.

What is written for the eye only (markdown, emoji, addresses, actions) has gone before, where
answers are cut into sentences; what is left of tables and code is dealt with here for texts that
never were answers.
"""

# ruff: noqa: RUF001 - punctuation of every script

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_RULE = re.compile(r"^[ \t]*\|?(?:[ \t]*:?-{2,}:?[ \t]*\|?)+[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"^[ \t]*\|(.+)\|[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_PATH = re.compile(r"(?<![\w/])(?:~|\.{1,2})?(?:/[\w.-]+){2,}/?")
_IDENTIFIER = re.compile(r"\b[A-Za-z]\w*(?:_\w+)+\b|\b[a-z]+(?:[A-Z][a-z]+)+\b")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|_+")
_SPACED_SIGN = re.compile(r"(?<=\w)\s+([+=×÷&])\s+(?=\w)")
_RANGE = re.compile(r"(?<![\w.,-])(\d{1,4})\s?[-–]\s?(\d{1,4})(?![\w-]|[.,]\d)")
_NUMBER = r"(?<![\w.,])(-?\d{1,3}(?:[., ]\d{3})+(?:[.,]\d+)?|-?\d+(?:[.,]\d+)?)"
_CURRENCY_FIRST = re.compile(r"([$€£¥])\s?(\d+(?:[.,]\d{3})*)(?:[.,](\d{2}))?(?![\d])")
_GAPS = re.compile(r"\s+")
_ONE = re.compile(r"-?1")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tongue:
    """How one language says units (one, many) and signs."""

    units: Mapping[str, tuple[str, str]]
    signs: Mapping[str, str]
    coins: Mapping[str, tuple[str, str]]
    to: str


_ENGLISH = _Tongue(
    units={
        "km/h": ("kilometre per hour", "kilometres per hour"),
        "mph": ("mile per hour", "miles per hour"),
        "°C": ("degree Celsius", "degrees Celsius"),
        "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
        "°": ("degree", "degrees"),
        "%": ("percent", "percent"),
        "km": ("kilometre", "kilometres"),
        "cm": ("centimetre", "centimetres"),
        "mm": ("millimetre", "millimetres"),
        "m": ("metre", "metres"),
        "kg": ("kilogram", "kilograms"),
        "g": ("gram", "grams"),
        "lbs": ("pound", "pounds"),
        "lb": ("pound", "pounds"),
        "ml": ("millilitre", "millilitres"),
        "ms": ("millisecond", "milliseconds"),
        "min": ("minute", "minutes"),
        "hrs": ("hour", "hours"),
        "h": ("hour", "hours"),
        "GHz": ("gigahertz", "gigahertz"),
        "MHz": ("megahertz", "megahertz"),
        "Hz": ("hertz", "hertz"),
        "kB": ("kilobyte", "kilobytes"),
        "KB": ("kilobyte", "kilobytes"),
        "MB": ("megabyte", "megabytes"),
        "GB": ("gigabyte", "gigabytes"),
        "TB": ("terabyte", "terabytes"),
        "kWh": ("kilowatt hour", "kilowatt hours"),
        "kW": ("kilowatt", "kilowatts"),
        "W": ("watt", "watts"),
        "V": ("volt", "volts"),
    },
    signs={"+": "plus", "=": "equals", "×": "times", "÷": "divided by", "&": "and"},
    coins={
        "$": ("dollar", "dollars"),
        "€": ("euro", "euros"),
        "£": ("pound", "pounds"),
        "¥": ("yen", "yen"),
    },
    to="to",
)
_GERMAN = _Tongue(
    units={
        "km/h": ("Kilometer pro Stunde", "Kilometer pro Stunde"),
        "°C": ("Grad Celsius", "Grad Celsius"),
        "°": ("Grad", "Grad"),
        "%": ("Prozent", "Prozent"),
        "km": ("Kilometer", "Kilometer"),
        "cm": ("Zentimeter", "Zentimeter"),
        "mm": ("Millimeter", "Millimeter"),
        "m": ("Meter", "Meter"),
        "kg": ("Kilogramm", "Kilogramm"),
        "g": ("Gramm", "Gramm"),
        "ml": ("Milliliter", "Milliliter"),
        "ms": ("Millisekunde", "Millisekunden"),
        "min": ("Minute", "Minuten"),
        "h": ("Stunde", "Stunden"),
        "GHz": ("Gigahertz", "Gigahertz"),
        "MHz": ("Megahertz", "Megahertz"),
        "Hz": ("Hertz", "Hertz"),
        "MB": ("Megabyte", "Megabyte"),
        "GB": ("Gigabyte", "Gigabyte"),
        "TB": ("Terabyte", "Terabyte"),
        "kWh": ("Kilowattstunde", "Kilowattstunden"),
        "kW": ("Kilowatt", "Kilowatt"),
        "W": ("Watt", "Watt"),
        "€": ("Euro", "Euro"),
    },
    signs={"+": "plus", "=": "gleich", "×": "mal", "÷": "geteilt durch", "&": "und"},
    coins={
        "$": ("Dollar", "Dollar"),
        "€": ("Euro", "Euro"),
        "£": ("Pfund", "Pfund"),
        "¥": ("Yen", "Yen"),
    },
    to="bis",
)
_TONGUES: Mapping[str, _Tongue] = {"en": _ENGLISH, "de": _GERMAN}


def _units(tongue: _Tongue) -> re.Pattern[str]:
    names = "|".join(re.escape(unit) for unit in sorted(tongue.units, key=len, reverse=True))
    return re.compile(rf"{_NUMBER}\s?({names})(?![\w°%/-])")


_UNITS: Mapping[str, re.Pattern[str]] = {code: _units(found) for code, found in _TONGUES.items()}


class Lexicon:
    """How words are to be said, such as ``{"acore": "ay core"}``; whole words, longest first.

    A written word in small letters stands for every spelling, one with capitals only for itself.
    """

    def __init__(self, entries: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs = {word.strip(): said for word, said in dict(entries).items() if word.strip()}
        self._exact = {word: said for word, said in pairs.items() if word != word.casefold()}
        self._any = {word: said for word, said in pairs.items() if word == word.casefold()}
        words = "|".join(re.escape(word) for word in sorted(pairs, key=len, reverse=True))
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if words else None

    def apply(self, text: str) -> str:
        """Return the text as it is to be said."""
        return self._words.sub(self._said, text) if self._words is not None else text

    def _said(self, match: re.Match[str]) -> str:
        word = match.group()
        return self._exact.get(word) or self._any.get(word.casefold(), word)


def spoken(text: str, /, *, lexicon: Lexicon | None = None, language: str | None = None) -> str:
    """Return what an engine should be given; empty when nothing in it can be said.

    ``language`` is a BCP 47 tag. Units and signs are put into words in English, which is also
    taken for no language, and German; in others the engine reads them its own way. The lexicon
    comes last and its words are not touched any more.
    """
    text = _ROW.sub(_row, _RULE.sub(" ", _FENCE.sub(" ", text)))
    code = (language or "en").split("-")[0].casefold()
    if (tongue := _TONGUES.get(code)) is not None:
        text = _in_words(text, tongue, _UNITS[code])
    text = _IDENTIFIER.sub(lambda match: _HUMP.sub(" ", match.group()), text)
    text = _PATH.sub(_last_name, text)
    text = _GAPS.sub(" ", text).strip()
    if lexicon is not None:
        text = lexicon.apply(text)
    return text if any(letter.isalnum() for letter in text) else ""


def _in_words(text: str, tongue: _Tongue, units: re.Pattern[str]) -> str:
    def coin(match: re.Match[str]) -> str:
        sign, whole, cents = match.groups()
        one, many = tongue.coins[sign]
        name = one if whole == "1" and not cents else many
        return f"{whole} {name} {cents}" if cents and cents != "00" else f"{whole} {name}"

    def unit(match: re.Match[str]) -> str:
        number, short = match.groups()
        one, many = tongue.units[short]
        return f"{number} {one if _ONE.fullmatch(number) else many}"

    text = _CURRENCY_FIRST.sub(coin, text)
    text = _RANGE.sub(rf"\1 {tongue.to} \2", text)
    text = units.sub(unit, text)
    return _SPACED_SIGN.sub(lambda match: f" {tongue.signs[match.group(1)]} ", text)


def _row(match: re.Match[str]) -> str:
    """Return a table's row as a sentence."""
    cells = [cell.strip() for cell in match.group(1).split("|")]
    told = ", ".join(cell for cell in cells if cell)
    return f"{told}." if told and told[-1].isalnum() else told


def _last_name(match: re.Match[str]) -> str:
    return match.group().rstrip("/").rpartition("/")[2]
