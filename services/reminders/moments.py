"""Wall-clock time in a zone, over the changes to and from daylight-saving time."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.reminders.elements import Span

_YEARS_AHEAD = 100


class TooFar(Exception):  # noqa: N818
    """More than a hundred years ahead."""


def at_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment a clock on the wall shows ``wall`` (naive).

    A time that a change of clocks skips moves forward by what is skipped, as RFC 5545 has it; of a
    time that comes twice it is the first.
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a clock on the wall ever shows ``wall`` (naive)."""
    return at_wall(wall, zone).replace(tzinfo=None, fold=0) == wall


def next_at_wall(wall: datetime, zone: ZoneInfo, *, after: datetime) -> datetime | None:
    """Return the first moment after ``after`` at which the wall shows ``wall``, if there is one."""
    first = at_wall(wall, zone)
    if first.astimezone(UTC) > after.astimezone(UTC):
        return first
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC).astimezone(zone)
    is_second = second.replace(tzinfo=None, fold=0) == wall
    return second if is_second and second.astimezone(UTC) > after.astimezone(UTC) else None


def add(moment: datetime, span: Span, *, sign: int = 1) -> datetime:
    """Return the moment a span away: months and days on the calendar, seconds on the clock.

    The 31st becomes the last day of a shorter month. Raises ``TooFar``.
    """
    if span.months > 12 * _YEARS_AHEAD or span.days > 366 * _YEARS_AHEAD:
        raise TooFar
    zone = moment.tzinfo
    wall = moment.replace(tzinfo=None, fold=0)
    try:
        shifted = wall
        if span.months:
            day = add_months(wall.date(), sign * span.months)
            shifted = datetime.combine(day, wall.time())
        shifted += timedelta(days=sign * span.days)
        if isinstance(zone, ZoneInfo) and shifted != wall:
            moment = at_wall(shifted, zone)
        utc = moment.astimezone(UTC) + timedelta(seconds=sign * span.seconds)
        return utc.astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise TooFar from error


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_end(day: date, months: int) -> date:
    """Return the last day of the month so many months later."""
    first = add_months(day.replace(day=1), months)
    return first.replace(day=monthrange(first.year, first.month)[1])


def check_near(moment: datetime, now: datetime) -> None:
    """Raise ``TooFar`` for more than a hundred years ahead."""
    if moment.year > now.year + _YEARS_AHEAD:
        raise TooFar


def on_day(day: date, hour: int, minute: int, second: int = 0) -> datetime:
    """Return the naive wall-clock time of a day; hour 24 is the midnight that ends it."""
    start = datetime.combine(day, time(hour % 24, minute, second))
    return start + timedelta(days=hour // 24)
