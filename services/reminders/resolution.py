"""Makes one moment of the times in a sentence, or a question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.reminders.elements import (
    Clock,
    Date,
    Day,
    Doubt,
    Element,
    Every,
    Later,
    Part,
    RelativeDay,
    Shift,
    Week,
    Weekday,
)
from services.reminders.moments import add, check_near, exists, next_at_wall, on_day
from services.reminders.settling import WHICH_DAY_OF_WEEK, Unclear, date_of, halves, settled
from services.reminders.words import NIGHT

WHEN = "When should I remind you?"
_AT_WHAT_TIME = "At what time should I remind you?"
_SEVERAL = "That is more than one time: which one should I take?"
_TOGETHER = "These times do not go together: when exactly should I remind you?"
_PAST = "That is over already: when should I remind you?"
_MIDNIGHT = "Is that the midnight at which the day begins, or at which it ends?"
_WHICH_NIGHT = "Is that in the night before that day, or in the one after it?"
_SKIPPED = "The clocks skip that time on that day: at what other time should I remind you?"
_TODAY_OR_WEEK = "Do you mean today or in a week?"
WHOLE_DAY = Clock(hour=9)
"""When a date without a time of day is reminded of."""
_SMALL_HOURS = 6


@dataclass(slots=True, kw_only=True)
class Times:
    """The times of a sentence by kind, each once."""

    clock: Clock | None = None
    part: str = ""
    days: list[Day] = field(default_factory=list)
    weeks: list[Week] = field(default_factory=list)
    later: Later | None = None
    shift: Shift | None = None
    every: Every | None = None


def gathered(elements: Iterable[Element]) -> Times:
    """Sort elements by kind; raises ``Unclear`` for doubts and for two of a kind."""
    elements = list(dict.fromkeys(elements))
    for doubt in elements:
        if isinstance(doubt, Doubt):
            raise Unclear(doubt.question)
    if not elements:
        raise Unclear(WHEN)
    clocks = [one for one in elements if isinstance(one, Clock)]
    parts = [one for one in elements if isinstance(one, Part)]
    laters = [one for one in elements if isinstance(one, Later)]
    shifts = [one for one in elements if isinstance(one, Shift)]
    everys = [one for one in elements if isinstance(one, Every)]
    weeks = [one for one in elements if isinstance(one, Week)]
    if any(len(kind) > 1 for kind in (clocks, laters, shifts, everys, weeks)):
        raise Unclear(_SEVERAL)
    if len({part.name for part in parts}) > 1:
        raise Unclear(_TOGETHER)
    return Times(
        clock=clocks[0] if clocks else None,
        part=parts[0].name if parts else "",
        days=[one for one in elements if isinstance(one, RelativeDay | Weekday | Date)],
        weeks=weeks,
        later=laters[0] if laters else None,
        shift=shifts[0] if shifts else None,
        every=everys[0] if everys else None,
    )


def resolved(times: Times, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment after ``now``; raises ``Unclear``, and ``TooFar`` beyond a century."""
    moment = _moment(times, now=now.astimezone(zone), zone=zone)
    if times.shift is not None:
        if times.shift.span.seconds and times.clock is None:
            raise Unclear(_AT_WHAT_TIME)
        moment = add(moment, times.shift.span, sign=times.shift.sign)
    check_near(moment, now)
    if moment.astimezone(UTC) <= now.astimezone(UTC):
        raise Unclear(_PAST)
    return moment


def _moment(times: Times, *, now: datetime, zone: ZoneInfo) -> datetime:
    if times.later is not None:
        return _later(times, times.later, now=now, zone=zone)
    if times.days:
        return _on_day(times, now=now, zone=zone)
    if times.weeks:
        raise Unclear(WHICH_DAY_OF_WEEK)
    if times.clock is None:
        raise Unclear(_AT_WHAT_TIME)
    return _coming(settled(times.clock, times.part, has_day=False), now=now, zone=zone)


def _later(times: Times, later: Later, *, now: datetime, zone: ZoneInfo) -> datetime:
    span = later.span
    if times.days or times.weeks or times.shift:
        raise Unclear(_TOGETHER)
    if times.clock is None:
        if times.part:
            raise Unclear(_AT_WHAT_TIME)
        return add(now, span).replace(microsecond=0)
    if span.seconds:
        raise Unclear(_TOGETHER)
    clock = settled(times.clock, times.part, has_day=True)
    return _wall(add(now, span).date(), clock, now=now, zone=zone)


def _coming(clock: Clock, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the next time a clock shows it."""
    today = now.date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        wall = on_day(day, clock.hour, clock.minute, clock.second)
        found = next_at_wall(wall, zone, after=now)
        if found is not None:
            return _existing(wall, found, zone=zone)
    raise Unclear(_PAST)


def _on_day(times: Times, *, now: datetime, zone: ZoneInfo) -> datetime:
    today = now.date()
    day = date_of(times.days, times.weeks, today=today)
    clock = _clock_of(times, day, now=now, zone=zone)
    if clock.hour == 24 and day != today:
        raise Unclear(_MIDNIGHT)
    if times.part == NIGHT and clock.hour < _SMALL_HOURS:
        raise Unclear(_WHICH_NIGHT)
    plain = all(isinstance(one, Weekday) and not one.which for one in times.days)
    if plain and not times.weeks and day == today:
        wall = on_day(day, clock.hour, clock.minute, clock.second)
        if next_at_wall(wall, zone, after=now) is not None:
            raise Unclear(_TODAY_OR_WEEK)
        day += timedelta(days=7)
    return _wall(day, clock, now=now, zone=zone)


def _clock_of(times: Times, day: date, *, now: datetime, zone: ZoneInfo) -> Clock:
    """Return the time of day; without one a date of the calendar has its own."""
    if times.clock is None:
        dated = any(isinstance(one, Date) for one in times.days)
        if times.part or not dated or day == now.date():
            raise Unclear(_AT_WHAT_TIME)
        return WHOLE_DAY
    if not times.clock.sure and not times.part and day == now.date():
        return _left_today(times.clock, day, now=now, zone=zone)
    return settled(times.clock, times.part, has_day=True)


def _left_today(clock: Clock, day: date, *, now: datetime, zone: ZoneInfo) -> Clock:
    """Return what a bare hour can still mean today."""
    ahead = [
        half
        for half in halves(clock)
        if next_at_wall(on_day(day, half.hour, half.minute, half.second), zone, after=now)
    ]
    return ahead[0] if len(ahead) == 1 else settled(clock, "", has_day=False)


def _wall(day: date, clock: Clock, *, now: datetime, zone: ZoneInfo) -> datetime:
    wall = on_day(day, clock.hour, clock.minute, clock.second)
    found = next_at_wall(wall, zone, after=now)
    if found is None:
        raise Unclear(_PAST)
    return _existing(wall, found, zone=zone)


def _existing(wall: datetime, found: datetime, *, zone: ZoneInfo) -> datetime:
    if not exists(wall, zone):
        raise Unclear(_SKIPPED)
    return found
