"""When something was said, as far as a question tells: dates, months, "last week", "two days ago".

English only; what is not understood is no evidence, so the question is searched without it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
_WEEKDAYS = tuple(name.lower() for name in calendar.day_name)
_NUMBERS = ("zero", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_DAYS = {"day": 1, "week": 7, "weekend": 7, "month": 31, "year": 366}
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` up to, and without, ``end``."""

    start: datetime
    end: datetime


def periods(text: str, now: datetime) -> tuple[Period, ...]:
    """Return the periods that ``text`` names, in its order; ``now`` gives zone and present.

    A month without a year is that of the last twelve months. At most four are returned.
    """
    found: list[tuple[int, Period]] = []
    rest = text.lower()
    for pattern, read in _READERS.items():
        for match in pattern.finditer(rest):
            if (period := _valid(read, match, now)) is not None:
                found.append((match.start(), period))
        rest = pattern.sub(lambda match: " " * len(match[0]), rest)
    return tuple(period for _, period in sorted(found, key=lambda pair: pair[0])[:4])


def _valid(
    read: Callable[[re.Match[str], datetime], Period | None], match: re.Match[str], now: datetime
) -> Period | None:
    try:
        return read(match, now)
    except (ValueError, OverflowError):
        return None


def _day(year: int, month: int, day: int, now: datetime) -> Period:
    start = datetime(_year(year), month, day, tzinfo=now.tzinfo)
    return Period(start, start + timedelta(days=1))


def _year(year: int) -> int:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(year)
    return year


def _month(year: int, month: int, now: datetime, length: int = 1) -> Period:
    start = datetime(_year(year), month, 1, tzinfo=now.tzinfo)
    after = month - 1 + length
    return Period(start, start.replace(year=year + after // 12, month=after % 12 + 1))


def _latest_year(month: int, now: datetime) -> int:
    return now.year - (month > now.month)


def _month_of(name: str) -> int:
    return next(number for number, full in enumerate(_MONTHS, 1) if full.startswith(name[:3]))


def _iso(match: re.Match[str], now: datetime) -> Period:
    return _day(int(match["year"]), int(match["month"]), int(match["day"]), now)


def _named_day(match: re.Match[str], now: datetime) -> Period:
    month = _month_of(match["month"])
    year = int(match["year"]) if match["year"] else _latest_year(month, now)
    return _day(year, month, int(match["day"]), now)


def _named_month(match: re.Match[str], now: datetime) -> Period:
    month = _month_of(match["month"])
    year = int(match["year"]) if match["year"] else _latest_year(month, now)
    return _month(year, month, now)


def _season(match: re.Match[str], now: datetime) -> Period:
    month = _SEASONS[match["season"]]
    year = int(match["year"]) if match["year"] else _latest_year(month, now)
    return _month(year, month, now, length=3)


def _whole_year(match: re.Match[str], now: datetime) -> Period:
    return _month(int(match["year"]), 1, now, length=12)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _near_day(match: re.Match[str], now: datetime) -> Period:
    start = _midnight(now) - timedelta(days=1 if "yesterday" in match[0] else 0)
    return Period(start, start + timedelta(days=1))


def _last(match: re.Match[str], now: datetime) -> Period:
    """Return the last such span of days: "last week" may also mean the days just gone."""
    days = _DAYS[match["unit"]] * (2 if match["unit"].startswith("week") else 1)
    return Period(_midnight(now) - timedelta(days=days), now)


def _ago(match: re.Match[str], now: datetime) -> Period:
    word = match["count"]
    count = int(word) if word.isdigit() else _NUMBERS.index({"an": "a", "one": "a"}.get(word, word))
    days = _DAYS[match["unit"]]
    middle = _midnight(now) - timedelta(days=days * count)
    slack = timedelta(days=days // 2)
    return Period(middle - slack, middle + slack + timedelta(days=1))


def _weekday(match: re.Match[str], now: datetime) -> Period:
    back = (now.weekday() - _WEEKDAYS.index(match["weekday"]) - 1) % 7 + 1
    start = _midnight(now) - timedelta(days=back)
    return Period(start, start + timedelta(days=1))


def _alternatives(words: tuple[str, ...]) -> str:
    return "|".join(words)


_MONTH = (
    rf"(?P<month>{_alternatives(_MONTHS)}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
)
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"

_READERS: Mapping[re.Pattern[str], Callable[[re.Match[str], datetime], Period | None]] = {
    re.compile(rf"\b{_YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)\b"): _iso,
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s*{_YEAR})?\b"): _named_day,
    re.compile(rf"\b{_MONTH}\s+{_DAY}(?:,?\s*{_YEAR})?\b"): _named_day,
    re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}\b"): _named_month,
    re.compile(rf"\b(?:in|during|since|of|by|last|this|early|late|mid)[\s-]{_MONTH}(?P<year>)\b"): (
        _named_month
    ),
    re.compile(rf"\b(?P<season>{_alternatives(tuple(_SEASONS))})\s+(?:of\s+)?{_YEAR}\b"): _season,
    re.compile(
        rf"\b(?:in the|last|this|during the)\s+(?P<season>{_alternatives(tuple(_SEASONS))})"
        r"\b(?P<year>)"
    ): _season,
    re.compile(rf"\b{_YEAR}\b"): _whole_year,
    re.compile(r"\b(?:yesterday|today|tonight|this (?:morning|evening))\b|\blast night\b"): (
        _near_day
    ),
    re.compile(r"\b(?:last|past|this|previous) (?P<unit>weekend|week|month|year)\b"): _last,
    re.compile(
        rf"\b(?P<count>\d{{1,3}}|an|one|{_alternatives(_NUMBERS[1:])}) "
        r"(?P<unit>day|week|month|year)s? ago\b"
    ): _ago,
    re.compile(rf"\b(?:on|last|this|past) (?P<weekday>{_alternatives(_WEEKDAYS)})\b"): _weekday,
}
