"""Dates of the calendar: "2026-12-25", "25 December", "the 3rd of May", "3.5.2026"."""

from __future__ import annotations

from services.reminders.elements import Date, Doubt, Element
from services.reminders.tokens import Tokens
from services.reminders.words import MONTHS, ORDINAL_ENDINGS, ORDINALS, VERB_MONTHS, one_of

_NO_DATE = Doubt("There is no such date: on which day should I remind you?")
_DAYS, _MONTHS = 31, 12
_MAY_FOLLOW = one_of("at um to by in and and every each jeden each remind gegen zu")
_IS_DATE = Doubt("Is that a date? On which day should I remind you?")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

Read = tuple[tuple[Element, ...], int]


def read_date(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Return the date that begins at ``at`` (behind "on" if ``led``) and the position behind it."""
    start = tokens.skip_any(at, {"the", "den", "dem"})
    return (
        _numeric(tokens, at, led=led)
        or _day_month(tokens, start, led=led)
        or _month_day(tokens, at, led=led)
        or (_day_alone(tokens, start) if led else None)
    )


def ordinal(tokens: Tokens, at: int) -> tuple[int, int] | None:
    """Return the day number of "25th", "25.", "first", and the position behind it."""
    number = ORDINALS.get(tokens.word(at))
    if number is not None:
        return number, at + 1
    number = tokens.number(at)
    if number is None or tokens.digits(at) > 2 or not tokens.glued(at + 1):
        return None
    if tokens.word(at + 1) in ORDINAL_ENDINGS:
        return number, at + 2
    if tokens.word(at + 1) == "." and not (tokens.glued(at + 2) and tokens.is_word(at + 2)):
        return number, at + 2
    return None


def _checked(day: int, month: int, year: int) -> tuple[Element, ...]:
    if not 1 <= month <= _MONTHS or not 1 <= day <= _LONGEST[month - 1]:
        return (_NO_DATE,)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year and month == 2 and day == 29 and not leap:
        return (_NO_DATE,)
    return (Date(day=day, month=month, year=year),)


def _numeric(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Read dates in digits, told apart by their separator."""
    first, separator = tokens.number(at), tokens.word(at + 1)
    second = tokens.number(at + 2)
    if first is None or second is None or separator not in {"-", "/", "."}:
        return None
    if not (tokens.glued(at + 1) and tokens.glued(at + 2)):
        return _spaced_german(tokens, at)
    third = tokens.number(at + 4)
    if tokens.word(at + 3) == separator and tokens.glued(at + 3) and third is not None:
        if tokens.glued(at + 4):
            return _full(tokens, at, first, second, third)
        if separator != ".":
            return None
    if separator == "/" and led:
        return _either(first, second, 0), at + 3
    dotted = tokens.word(at + 3) == "." and tokens.glued(at + 3)
    if separator == "." and (led or dotted) and tokens.digits(at + 2) <= 2:
        if not dotted and tokens.word(at + 3) in {"uhr", "am", "pm"}:
            return None
        return _checked(first, second, 0), at + 4 if dotted else at + 3
    return None


def _spaced_german(tokens: Tokens, at: int) -> Read | None:
    """Read "3. 5. 2026"."""
    second, third = tokens.number(at + 2), tokens.number(at + 4)
    dots = tokens.word(at + 1) == "." == tokens.word(at + 3) and tokens.glued(at + 1)
    first = tokens.number(at)
    if not dots or first is None or second is None or tokens.digits(at + 4) != 4 or third is None:
        return None
    return _checked(first, second, third), at + 5


def _full(tokens: Tokens, at: int, first: int, second: int, third: int) -> Read | None:
    """Judge three numbers with separators between them."""
    separator, end = tokens.word(at + 1), at + 5
    if tokens.digits(at) == 4:
        end = _before_time(tokens, end)
        return _checked(third, second, first), end
    if tokens.digits(at + 4) not in {2, 4} or tokens.digits(at) > 2 or tokens.digits(at + 2) > 2:
        return None
    year = third if tokens.digits(at + 4) == 4 else 2000 + third
    if separator == ".":
        return _checked(first, second, year), end
    return _either(first, second, year), end


def _before_time(tokens: Tokens, end: int) -> int:
    """Step over the T between the date and the time of ISO 8601."""
    glued = tokens.word(end) == "t" and tokens.glued(end) and tokens.glued(end + 1)
    return end + 1 if glued else end


def _either(first: int, second: int, year: int) -> tuple[Element, ...]:
    """Judge a date whose order of day and month is not said."""
    if first > _MONTHS or first == second:
        return _checked(first, second, year)
    if second > _MONTHS:
        return _checked(second, first, year)
    return (Doubt("Is the day or the month written first in that date?"),)


def _year(tokens: Tokens, at: int) -> tuple[int, int]:
    """Return the year behind a day and a month, 0 without one."""
    start = tokens.skip_any(at, {",", "of", "in"})
    if tokens.digits(start) == 4 and not (
        tokens.word(start + 1) == ":" and tokens.glued(start + 1)
    ):
        return int(tokens.word(start)), start + 1
    return 0, at


def _day_month(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Read "25 December", "25th of December 2026", "25. Dezember"."""
    read = ordinal(tokens, at)
    if read is None:
        number = tokens.number(at)
        if number is None or tokens.digits(at) > 2:
            return None
        read = number, at + 1
    day, end = read
    month = MONTHS.get(tokens.word(tokens.skip(end, "of")))
    plain = end == at + 1 and tokens.digits(at) > 0
    if month is None:
        return None
    if plain and not led and tokens.word(end) in VERB_MONTHS and not _year(tokens, end + 1)[0]:
        return (_IS_DATE,), end + 1
    end = tokens.skip(end, "of") + 1
    if len(tokens.word(end - 1)) <= 3:
        end = tokens.skip(end, ".")
    year, end = _year(tokens, end)
    return _checked(day, month, year), end


def _month_day(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Read "December 25", "Dec. 25th, 2026"."""
    word = tokens.word(at)
    month = MONTHS.get(word)
    if month is None:
        return None
    start = tokens.skip(at + 1, ".") if len(word) <= 4 else at + 1
    start = tokens.skip(start, "the")
    ordered = ordinal(tokens, start)
    number = tokens.number(start)
    if ordered is None and (number is None or tokens.digits(start) > 2):
        return None
    day, end = ordered if ordered is not None else (number or 0, start + 1)
    if tokens.glued(end) and tokens.word(end) in {":", "am", "pm"}:
        return None
    year, end = _year(tokens, end)
    counts = tokens.is_word(end) and tokens.word(end) not in {"at", "um", "to", "by", "in", "and"}
    if word in VERB_MONTHS and not led and not year and ordered is None and counts:
        return (_IS_DATE,), end
    return _checked(day, month, year), end


def _day_alone(tokens: Tokens, at: int) -> Read | None:
    """Read "on the 15th", "am 15.", where the month is the coming one."""
    read = ordinal(tokens, at)
    if read is None:
        return None
    day, end = read
    behind = tokens.skip(tokens.skip(end, "of", "the", "month"), "des", "monats")
    for led in (("of", "next", "month"), ("nächsten", "monats")):
        if tokens.skip(end, *led) > end:
            return (Date(day=day, months_ahead=1) if 1 <= day <= _DAYS else _NO_DATE,), end + len(
                led
            )
    if not 1 <= day <= _DAYS:
        return (_NO_DATE,), behind
    if behind == end and tokens.is_word(end) and tokens.word(end) not in _MAY_FOLLOW:
        return (_IS_DATE,), end
    return (Date(day=day),), behind
