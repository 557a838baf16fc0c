"""What the grammar finds in a sentence: times, days, spans, recurrences and doubts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A time of day; ``sure`` unless the hour (1 to 12) may be before or after noon.

    ``hour`` is 24 for midnight, which ends a day or begins one.
    """

    hour: int
    minute: int = 0
    second: int = 0
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day, one of those in ``words``."""

    name: str


@dataclass(frozen=True, slots=True)
class RelativeDay:
    """So many days after today."""

    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekday:
    """A day of the week, Monday is 0; ``which`` is "", "this" or "next"."""

    day: int
    which: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """The week so many weeks after this one, which leaves the day open."""

    weeks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Date:
    """A day of the calendar; 0 stands for what is not said, day -1 for the last of the month."""

    day: int
    month: int = 0
    year: int = 0
    months_ahead: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of time; months and days count on the calendar, seconds on the clock."""

    months: int = 0
    days: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """So long after this moment."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """So long before (-1) or after (1) the time that follows."""

    span: Span
    sign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A recurrence, in the terms of RFC 5545.

    ``nth`` counts the weekday within the month (-1 the last, 0 every one), ``month_day`` -1 is the
    last day.
    """

    freq: str
    interval: int = 1
    days: tuple[int, ...] = ()
    nth: int = 0
    month_day: int = 0
    month: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something about time that must be asked back."""

    question: str


Day: TypeAlias = RelativeDay | Weekday | Date
Element: TypeAlias = Clock | Part | Day | Week | Later | Shift | Every | Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Elements that stand together in the tokens from ``start`` to before ``end``.

    ``led`` tells that a word such as "at" or "on" introduces them.
    """

    elements: tuple[Element, ...]
    start: int
    end: int
    led: bool = False
