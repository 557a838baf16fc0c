"""Makes a rule and its first moment of a recurrence and the times beside it, or a question."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.reminders.elements import Clock, Date, Every, Span, Weekday
from services.reminders.moments import add, check_near
from services.reminders.occurrences import next_occurrence
from services.reminders.resolution import WHOLE_DAY, Times
from services.reminders.settling import Unclear, settled

_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_HOW_OFTEN = "How often exactly, and at what time?"
_AT_WHAT_TIME = "At what time should I remind you each time?"
_NOT_EVERY_MONTH = "Not every month has that day: do you mean the last day of the month?"
_TOGETHER = "These times do not go together: how often should I remind you, and at what time?"
_MIDNIGHT = "Is that the midnight at which the day begins, or at which it ends?"
_WHICH_DAY = "On which day, and at what time?"
_NOT_EVERY_YEAR = "Not every year has that day: which one do you mean?"
_ONE_DAY = "On which one day of those weeks?"
_SHORTEST_MONTH = 28
_MOST = 1000


def repeated(every: Every, times: Times, *, now: datetime, zone: ZoneInfo) -> tuple[str, datetime]:
    """Return the RRULE value and its first moment after ``now``; raises ``Unclear``, ``TooFar``."""
    if times.later or times.shift or times.weeks:
        raise Unclear(_TOGETHER)
    if not 1 <= every.interval <= _MOST:
        raise Unclear(_HOW_OFTEN)
    if every.freq in {"MINUTELY", "HOURLY"}:
        return _stepped(every, times, now=now, zone=zone)
    every = _with_days(every, times)
    clock = _clock(every, times)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # The first one is the next there is; only those behind it keep the distance.
    first = next_occurrence(
        _rule(replace(every, interval=1), clock), after=now, zone=zone, start=midnight
    )
    if first is None:
        raise Unclear(_HOW_OFTEN)
    check_near(first, now)
    return _rule(every, clock), first


def _stepped(every: Every, times: Times, *, now: datetime, zone: ZoneInfo) -> tuple[str, datetime]:
    if times.clock or times.part or times.days:
        raise Unclear(_TOGETHER)
    seconds = every.interval * (3600 if every.freq == "HOURLY" else 60)
    first = add(now.astimezone(zone), Span(seconds=seconds)).replace(microsecond=0)
    return _rule(every, None), first


def _with_days(every: Every, times: Times) -> Every:
    """Return the recurrence with the day that stands elsewhere in the sentence."""
    is_complete = every.freq == "DAILY" or every.days or every.month_day
    if is_complete and times.days:
        raise Unclear(_TOGETHER)
    if not is_complete:
        if len(times.days) != 1:
            raise Unclear(_WHICH_DAY)
        every = _on(every, times)
    if every.freq == "MONTHLY" and every.month_day > _SHORTEST_MONTH:
        raise Unclear(_NOT_EVERY_MONTH)
    if every.month == 2 and every.month_day > _SHORTEST_MONTH:
        raise Unclear(_NOT_EVERY_YEAR)
    if every.interval > 1 and every.freq == "WEEKLY" and len(every.days) > 1:
        raise Unclear(_ONE_DAY)
    return every


def _on(every: Every, times: Times) -> Every:
    (day,) = times.days
    if every.freq == "WEEKLY" and isinstance(day, Weekday) and not day.which:
        return replace(every, days=(day.day,))
    if isinstance(day, Date) and not day.year and not day.months_ahead:
        if every.freq == "MONTHLY" and not day.month:
            return replace(every, month_day=day.day)
        if every.freq == "YEARLY" and day.month and day.day > 0:
            return replace(every, month_day=day.day, month=day.month)
    raise Unclear(_TOGETHER)


def _clock(every: Every, times: Times) -> Clock:
    if times.clock is None:
        if times.part or every.freq in {"DAILY", "WEEKLY"}:
            raise Unclear(_AT_WHAT_TIME)
        return WHOLE_DAY
    clock = settled(times.clock, times.part, has_day=True)
    if clock.second:
        raise Unclear(_AT_WHAT_TIME)
    if clock.hour == 24:
        if every.freq != "DAILY":
            raise Unclear(_MIDNIGHT)
        return Clock(hour=0)
    return clock


def _rule(every: Every, clock: Clock | None) -> str:
    parts = [f"FREQ={every.freq}"]
    if every.interval > 1:
        parts.append(f"INTERVAL={every.interval}")
    if every.month:
        parts.append(f"BYMONTH={every.month}")
    if every.month_day:
        parts.append(f"BYMONTHDAY={every.month_day}")
    if every.days:
        nth = str(every.nth) if every.nth else ""
        parts.append("BYDAY=" + ",".join(nth + _CODES[day] for day in every.days))
    if clock is not None:
        parts += [f"BYHOUR={clock.hour}", f"BYMINUTE={clock.minute}"]
    return ";".join(parts)
