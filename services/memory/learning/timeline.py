"""When statements about the same thing held: later ones end earlier ones, told in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something said at a moment: that ``value`` holds, or that it no longer does.

    An ending without a value ends whatever holds. ``id`` orders what was said at once; only an
    ending may lack one, when nobody knows any more what brought it.
    """

    id: str
    said_at: datetime
    value: str
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """How long a statement held; ``superseded_by`` ended it. ``None``: it still holds."""

    valid_to: datetime | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The intervals by statement, and repeats by the statement they repeat."""

    intervals: dict[str, Interval]
    repeats: dict[str, str]


def settle(statements: Iterable[Statement]) -> Settled:
    """Return how long each statement held, whatever the order they became known in.

    At most one holds at any moment. A statement of what holds already is a repeat and has no
    interval. An ending's own interval is empty, and it is its own end.
    """
    intervals: dict[str, Interval] = {}
    repeats: dict[str, str] = {}
    current: Statement | None = None
    for each in sorted(statements, key=lambda one: (one.said_at, one.id)):
        if each.ends:
            intervals[each.id] = Interval(valid_to=each.said_at, superseded_by=each.id or None)
            if current is not None and each.value in {"", current.value}:
                ended = Interval(valid_to=each.said_at, superseded_by=each.id or None)
                intervals[current.id] = ended
                current = None
            continue
        if current is not None and current.value == each.value:
            repeats[each.id] = current.id
            continue
        if current is not None:
            intervals[current.id] = Interval(valid_to=each.said_at, superseded_by=each.id)
        intervals[each.id] = Interval()
        current = each
    return Settled(intervals, repeats)
