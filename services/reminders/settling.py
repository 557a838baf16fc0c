"""Decides which half of the day an hour is in, and which date a day is; asks if it cannot."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from services.reminders.elements import Clock, Date, Day, RelativeDay, Week, Weekday
from services.reminders.moments import add_months, month_end
from services.reminders.words import (
    AFTERNOON,
    DAY_TITLES,
    EVENING,
    FORENOON,
    MIDDAY,
    MONTH_TITLES,
    MORNING,
    NIGHT,
)

_HOURS = {
    MORNING: range(12),
    FORENOON: range(6, 13),
    MIDDAY: range(11, 15),
    AFTERNOON: range(12, 19),
    EVENING: range(16, 25),
    NIGHT: (*range(18, 25), *range(7)),
}
"""The hours that a sure time may have in each part of the day."""
_BARE = {
    MORNING: {h: h for h in range(1, 12)},
    FORENOON: {h: h for h in range(6, 13)},
    MIDDAY: {11: 11, 12: 12, 1: 13, 2: 14},
    AFTERNOON: {12: 12} | {h: h + 12 for h in range(1, 7)},
    EVENING: {h: h + 12 for h in range(5, 12)},
    NIGHT: {h: h for h in range(1, 6)} | {h: h + 12 for h in range(6, 12)} | {12: 24},
}
"""What a bare hour is in each part of the day; what is missing is asked."""
_MORNING_HOURS = range(9, 13)
"""Bare hours that mean the morning or noon once a day is named."""
_LEAP_SEARCH = 9

WHICH_DAY_OF_WEEK = "On which day of that week, and at what time?"
_WHICH_DAY = "On which day should I remind you?"
_NOT_TOGETHER = "These days do not go together: on which day should I remind you?"
_NO_DATE = "There is no such date: on which day should I remind you?"


class Unclear(Exception):  # noqa: N818
    """Something must be asked back; the message is the question."""


def settled(clock: Clock, part: str, *, has_day: bool) -> Clock:
    """Return the time with its half of the day decided; raises ``Unclear``."""
    if clock.sure:
        if part and clock.hour not in _HOURS[part]:
            raise Unclear(_not_in(clock, part))
        return clock
    if part:
        hour = _BARE[part].get(clock.hour)
        if hour is None:
            raise Unclear(_which_half(clock))
        return Clock(hour=hour, minute=clock.minute, second=clock.second)
    if has_day and clock.hour in _MORNING_HOURS:
        return Clock(hour=clock.hour, minute=clock.minute, second=clock.second)
    raise Unclear(_which_half(clock))


def halves(clock: Clock) -> tuple[Clock, Clock]:
    """Return a bare time before and after noon."""
    hour = clock.hour % 12
    return (
        Clock(hour=hour, minute=clock.minute, second=clock.second),
        Clock(hour=hour + 12, minute=clock.minute, second=clock.second),
    )


def _which_half(clock: Clock) -> str:
    first, second = halves(clock)
    return f"Is that {_shown(first)} or {_shown(second)}?"


def _not_in(clock: Clock, part: str) -> str:
    return f"{_shown(clock)} is not in the {part}: at what time do you mean?"


def _not_in_month(month: int) -> str:
    return f"{MONTH_TITLES[month - 1]} has no such day: on which day should I remind you?"


def _either(first: date, second: date) -> str:
    return f"Do you mean {_day(first)} or {_day(second)}?"


def _shown(clock: Clock) -> str:
    return f"{clock.hour}:{clock.minute:02}"


def date_of(days: Sequence[Day], weeks: Sequence[Week], *, today: date) -> date:
    """Return the one date that all of ``days`` name; raises ``Unclear``.

    A weekday beside a date only confirms it.
    """
    named = [_date(day, weeks, today=today) for day in days if not _confirms(day, days)]
    confirming = [day for day in days if isinstance(day, Weekday) and _confirms(day, days)]
    agreed = len(set(named)) == 1 and not (weeks and confirming)
    if not agreed or any(named[0].weekday() != day.day for day in confirming):
        raise Unclear(_NOT_TOGETHER)
    return named[0]


def _confirms(day: Day, days: Sequence[Day]) -> bool:
    others = any(not isinstance(other, Weekday) for other in days)
    return isinstance(day, Weekday) and not day.which and others


def _date(day: Day, weeks: Sequence[Week], *, today: date) -> date:
    if isinstance(day, Weekday):
        return _in_week(day, weeks[0], today) if weeks else _weekday(day, today)
    if weeks:
        raise Unclear(WHICH_DAY_OF_WEEK)
    if isinstance(day, RelativeDay):
        return today + timedelta(days=day.days)
    return _calendar(day, today)


def _weekday(day: Weekday, today: date) -> date:
    ahead = (day.day - today.weekday()) % 7
    if day.which != "next":
        return today + timedelta(days=ahead)
    sunday_first = (today.weekday() + 1) % 7
    crosses = today.weekday() + ahead >= 7 and sunday_first + ahead >= 7
    if ahead and not crosses:
        coming = today + timedelta(days=ahead)
        raise Unclear(_either(coming, coming + timedelta(days=7)))
    return today + timedelta(days=ahead or 7)


def _in_week(day: Weekday, week: Week, today: date) -> date:
    """Return the day in that week, if it is the same whether weeks begin on Monday or Sunday."""
    if day.which:
        raise Unclear(_WHICH_DAY)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    first = monday + timedelta(days=7 * week.weeks + day.day)
    second = sunday + timedelta(days=7 * week.weeks + (day.day + 1) % 7)
    if first != second:
        first, second = sorted((first, second))
        raise Unclear(_either(first, second))
    return first


def _day(day: date) -> str:
    return f"{DAY_TITLES[day.weekday()]}, {day.day} {MONTH_TITLES[day.month - 1]}"


def _calendar(day: Date, today: date) -> date:
    if day.day < 0:
        return month_end(today, day.months_ahead)
    if day.year:
        if not 1 <= day.year <= 9998:
            raise Unclear(_NO_DATE)
        return date(day.year, day.month, day.day)
    if day.month:
        return _coming(day, today)
    ahead = day.months_ahead or (1 if day.day < today.day else 0)
    first = add_months(today.replace(day=1), ahead)
    if day.day > monthrange(first.year, first.month)[1]:
        raise Unclear(_not_in_month(first.month))
    return first.replace(day=day.day)


def _coming(day: Date, today: date) -> date:
    """Return the day of the year in the first year that has it ahead."""
    for year in range(today.year, today.year + _LEAP_SEARCH):
        if day.day <= monthrange(year, day.month)[1]:
            found = date(year, day.month, day.day)
            if found >= today:
                return found
    raise Unclear(_NO_DATE)
