"""Recurrences: "every weekday", "every other tuesday", "jeden letzten Freitag", "daily"."""

from __future__ import annotations

from services.reminders.calendar_days import part_after, weekday_at
from services.reminders.dates import ordinal, read_date
from services.reminders.durations import read_span
from services.reminders.elements import Clock, Date, Doubt, Element, Every, Part, Span
from services.reminders.tokens import Tokens
from services.reminders.words import (
    ADVERB_PARTS,
    LAST,
    NIGHT,
    ON_DAYS,
    OTHER,
    PARTS,
    WEEKDAYS,
)

EVERY = frozenset({"every", "each", "jede", "jeden", "jedes", "jeder", "jedem", "alle"})
_WORKING_DAYS = Every(freq="WEEKLY", days=(0, 1, 2, 3, 4))
_WEEKEND = Every(freq="WEEKLY", days=(5, 6))
_DAILY = Every(freq="DAILY")
_UNITS = {
    word: every
    for every, words in (
        (Every(freq="MINUTELY"), "minute"),
        (Every(freq="HOURLY"), "hour stunde"),
        (_DAILY, "day tag tags"),
        (Every(freq="WEEKLY"), "week woche"),
        (Every(freq="WEEKLY", interval=2), "fortnight"),
        (Every(freq="MONTHLY"), "month monat monats"),
        (Every(freq="YEARLY"), "year jahr"),
        (_WORKING_DAYS, "weekday weekdays workday werktag werktage"),
        (_WEEKEND, "weekend wochenende"),
    )
    for word in words.split()
}
_ADVERBS = {
    word: every
    for every, words in (
        (_DAILY, "daily everyday täglich taeglich"),
        (Every(freq="HOURLY"), "hourly stündlich stuendlich"),
        (Every(freq="WEEKLY"), "weekly wöchentlich woechentlich"),
        (Every(freq="WEEKLY", interval=2), "fortnightly"),
        (Every(freq="MONTHLY"), "monthly monatlich"),
        (Every(freq="YEARLY"), "yearly annually jährlich jaehrlich"),
        (_WORKING_DAYS, "weekdays workdays werktags"),
        (_WEEKEND, "weekends"),
    )
    for word in words.split()
}
_UNCLEAR = frozenset({"biweekly", "bimonthly", "semiweekly", "quarterly", "vierteljährlich"})
_MONTH = frozenset({"month", "monat", "monats"})
_OF = frozenset({"of", "in", "im", "des"})
_AND = frozenset({",", "and", "und", "&", "/", "+"})
_HOW_OFTEN = Doubt("How often exactly should I remind you?")
_WHICH_ORDER = Doubt("Is that counted within the month, or every so many weeks?")
_FIFTH = 5

Read = tuple[tuple[Element, ...], int]


def read_every(tokens: Tokens, at: int) -> tuple[tuple[Element, ...], int, bool] | None:
    """Return the recurrence at ``at``, what follows it, and whether "every" or "on" led it."""
    read = _of_every_month(tokens, at)
    if read is not None:
        return (*read, True)
    if tokens.word(at) in EVERY:
        read = _led(tokens, tokens.skip(at + 1, "single"))
        return (*read, True) if read is not None else None
    start = tokens.skip_any(at, {"on", "an"})
    read = _adverb(tokens, start)
    return (*read, start > at) if read is not None else None


def _led(tokens: Tokens, at: int) -> Read | None:
    counted = tokens.digits(at) > 0 or tokens.spoken(at) is not None
    if tokens.word(at - 1) == "alle" and not counted and tokens.word(at) not in {"halbe", "paar"}:
        return None
    return (
        _other(tokens, at)
        or _nth(tokens, at)
        or _weekdays(tokens, at, interval=1)
        or _unit(tokens, at)
        or _spanned(tokens, at)
        or _dated(tokens, at)
    )


def _other(tokens: Tokens, at: int) -> Read | None:
    """Read what follows "every other"."""
    if tokens.word(at) not in OTHER:
        return None
    listed = _weekdays(tokens, at + 1, interval=2)
    return listed or _unit(tokens, at + 1, interval=2)


def _nth(tokens: Tokens, at: int) -> Read | None:
    """Read "(every) first monday (of the month)", "second day", "last day of the month"."""
    counted = (-1, at + 1) if tokens.word(at) in LAST else ordinal(tokens, at)
    if counted is None:
        return None
    nth, end = counted
    day = weekday_at(tokens, end)
    behind = _of_month(tokens, end + 1)
    if day is not None:
        if behind == end + 1 and nth not in {-1, 1}:
            return (_WHICH_ORDER,), end + 1
        if not -1 <= nth < _FIFTH:
            return (_HOW_OFTEN,), behind
        parts, behind = part_after(tokens, behind)
        return (Every(freq="MONTHLY", days=(day,), nth=nth), *parts), behind
    if tokens.word(end) in {"day", "tag"} and (nth == -1 or behind > end + 1):
        return (Every(freq="MONTHLY", month_day=nth),), behind
    if nth > 1:
        return _unit(tokens, end, interval=nth)
    return None


def _of_month(tokens: Tokens, at: int) -> int:
    """Return the position behind "of the month", "im Monat", "of every month", else ``at``."""
    start = tokens.skip_any(at, _OF)
    start = tokens.skip_any(start, {"the", "a"} | EVERY)
    return start + 1 if start > at and tokens.word(start) in _MONTH else at


def _of_every_month(tokens: Tokens, at: int) -> Read | None:
    """Read "on the 1st of every month", "am letzten Freitag jedes Monats"."""
    start = tokens.skip_any(tokens.skip_any(at, {"on", "am"}), {"the"})
    counted = (-1, start + 1) if tokens.word(start) in LAST else ordinal(tokens, start)
    if counted is None:
        return None
    nth, end = counted
    is_day = tokens.word(end) in {"day", "tag"}
    weekday = weekday_at(tokens, end)
    named = end + 1 if is_day or weekday is not None else end
    every = tokens.skip_any(named, _OF)
    if tokens.word(every) not in EVERY or tokens.word(every + 1) not in _MONTH:
        return None
    if weekday is not None:
        return _nth(tokens, start)
    if named == end and nth == -1:
        return None
    return (Every(freq="MONTHLY", month_day=nth),), every + 2


def _weekdays(tokens: Tokens, at: int, *, interval: int) -> Read | None:
    """Read "monday, wednesday and friday"."""
    days: list[int] = []
    end = at
    while (day := _any_day(tokens, end)) is not None:
        days.append(day)
        at = end + 1
        end = tokens.skip_any(tokens.skip_any(at, _AND), {"and", "und"})
        end = tokens.skip_any(end, EVERY) if end > at else end
        if end == at:
            break
    if not days:
        return None
    parts, at = part_after(tokens, at)
    listed = tuple(sorted(set(days)))
    return (Every(freq="WEEKLY", interval=interval, days=listed), *parts), at


def _any_day(tokens: Tokens, at: int) -> int | None:
    day = weekday_at(tokens, at)
    return ON_DAYS.get(tokens.word(at)) if day is None else day


def _unit(tokens: Tokens, at: int, *, interval: int = 1) -> Read | None:
    """Read a unit of time, or a part of the day."""
    word = tokens.word(at)
    every = _UNITS.get(word)
    if tokens.skip(at, "business", "day") > at or tokens.skip(at, "working", "day") > at:
        every, at = _WORKING_DAYS, at + 1
    if every is None:
        return _part(tokens, at) if interval == 1 else None
    if tokens.skip(at + 1, "and", "a", "half") > at + 1:
        return (_HOW_OFTEN,), at + 4
    if interval > 1 and (every.days or every.interval > 1):
        return (_HOW_OFTEN,), at + 1
    made = Every(freq=every.freq, interval=max(interval, every.interval), days=every.days)
    if made.freq == "MONTHLY":
        behind = tokens.skip_any(tokens.skip_any(at + 1, {"on", "am"}), {"the"})
        listed = _nth(tokens, behind) if behind > at + 1 else None
        if listed is not None and isinstance(listed[0][0], Every):
            nth = listed[0][0]
            within = Every(
                freq="MONTHLY", interval=interval, days=nth.days, nth=nth.nth,
                month_day=nth.month_day,
            )  # fmt: skip
            return (within if nth.freq == "MONTHLY" else _HOW_OFTEN,), listed[1]
        if listed is not None:
            return _within_month(tokens, behind, interval)
    parts, end = part_after(tokens, at + 1) if made.freq in {"DAILY", "WEEKLY"} else ((), at + 1)
    return (made, *parts), end


def _within_month(tokens: Tokens, at: int, interval: int) -> Read | None:
    """Read "second tuesday" behind "every month on the", where the month is said."""
    counted = ordinal(tokens, at)
    day = None if counted is None else weekday_at(tokens, counted[1])
    if counted is None or day is None or not 0 < counted[0] < _FIFTH:
        return (_HOW_OFTEN,), at + 1
    every = Every(freq="MONTHLY", interval=interval, days=(day,), nth=counted[0])
    return (every,), counted[1] + 1


def _part(tokens: Tokens, at: int) -> Read | None:
    word = tokens.word(at)
    if word in {"noon", "midnight"}:
        return (_DAILY, Clock(hour=12 if word == "noon" else 24)), at + 1
    if word == "quarter":
        return (_HOW_OFTEN,), at + 1
    name = PARTS.get(word, PARTS["morning"] if word == "morgen" else None)
    return None if name is None else ((_DAILY, Part(name)), at + 1)


def _spanned(tokens: Tokens, at: int) -> Read | None:
    """Read "2 hours", "half hour", "three weeks"."""
    read = read_span(tokens, at)
    if read is None:
        return None
    span, end = read
    every = _of_span(span) if isinstance(span, Span) else None
    if every is None:
        return (_HOW_OFTEN,), end
    if every.freq == "MONTHLY":
        inner = _unit(tokens, end - 1, interval=every.interval)
        return inner if inner is not None and tokens.word(end - 1) != "quarter" else ((every,), end)
    return (every,), end


def _of_span(span: Span) -> Every | None:
    given = [n for n in (span.months, span.days, span.seconds) if n]
    if len(given) != 1:
        return None
    if span.months:
        years, months = divmod(span.months, 12)
        if months:
            return Every(freq="MONTHLY", interval=span.months)
        return Every(freq="YEARLY", interval=years)
    if span.days:
        weeks, days = divmod(span.days, 7)
        if days:
            return Every(freq="DAILY", interval=span.days)
        return Every(freq="WEEKLY", interval=weeks)
    hours, rest = divmod(span.seconds, 3600)
    if not rest:
        return Every(freq="HOURLY", interval=hours)
    minutes, rest = divmod(span.seconds, 60)
    return None if rest else Every(freq="MINUTELY", interval=minutes)


def _dated(tokens: Tokens, at: int) -> Read | None:
    """Read "(every) 25 December", "(every) 1st (of the month)"."""
    read = read_date(tokens, at, led=True)
    if read is None:
        return None
    (date, *_), end = read
    if not isinstance(date, Date):
        return read
    if date.year or date.months_ahead:
        return (_HOW_OFTEN,), end
    freq = "YEARLY" if date.month else "MONTHLY"
    return (Every(freq=freq, month=date.month, month_day=date.day),), end


def _adverb(tokens: Tokens, at: int) -> Read | None:
    word = tokens.word(at)
    if word in _UNCLEAR:
        return (_HOW_OFTEN,), at + 1
    if word == "nightly":
        return (_DAILY, Part(NIGHT)), at + 1
    every = _ADVERBS.get(word)
    if every is not None:
        parts, end = part_after(tokens, at + 1)
        return (every, *parts), end
    if word in ON_DAYS:
        return _weekdays(tokens, at, interval=1)
    if tokens.word(at - 1) in {"on", "an"} and word in WEEKDAYS:
        return None
    if word in ADVERB_PARTS and tokens.word(at - 1) in EVERY:
        return (_DAILY, Part(ADVERB_PARTS[word])), at + 1
    return None
