"""The moments of a recurrence, on the wall clock of a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from services.domain.errors import InvalidRequest
from services.reminders.moments import at_wall

_ALWAYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL"})
_ON_CLOCK = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_ALLOWED = {
    "MINUTELY": _ALWAYS,
    "HOURLY": _ALWAYS,
    "DAILY": _ALWAYS | _ON_CLOCK,
    "WEEKLY": _ALWAYS | _ON_CLOCK | {"BYDAY", "WKST"},
    "MONTHLY": _ALWAYS | _ON_CLOCK | {"BYDAY", "BYMONTHDAY"},
    "YEARLY": _ALWAYS | _ON_CLOCK | {"BYMONTH", "BYMONTHDAY"},
}
"""The parts understood by frequency; none of these combinations searches for long."""
_LONGEST_RULE = 200
_MOST_INTERVAL = 100_000
_SECONDS = {"MINUTELY": 60, "HOURLY": 3600}
_TRIES = 200
"""More than the occurrences that a change of clocks can put out of order."""


def next_occurrence(
    rrule: str, *, after: datetime, zone: ZoneInfo, start: datetime
) -> datetime | None:
    """Return the first occurrence later than ``after``, in ``zone``; ``None`` when there is none.

    ``rrule`` is the value of an RFC 5545 RRULE, whose DTSTART is ``start``; both moments are aware.
    Days, weeks, months and years keep the time on the wall clock over changes of the clocks; a time
    that is skipped moves forward by what is skipped, of a time that comes twice it is the first.
    Hours and minutes count what really passes. Raises ``InvalidRequest`` for other rules than
    those acore makes.
    """
    parts = _parts(rrule)
    if parts["FREQ"] in _SECONDS:
        return _stepped(parts, after=after, zone=zone, start=start)
    return _on_wall(rrule, after=after, zone=zone, start=start)


def _parts(rrule: str) -> dict[str, str]:
    pairs = [part.partition("=")[::2] for part in rrule.upper().split(";")]
    parts = dict(pairs) if len(rrule) <= _LONGEST_RULE else {}
    interval = parts.get("INTERVAL", "1")
    known = parts.keys() <= _ALLOWED.get(parts.get("FREQ", ""), frozenset()) and parts
    counts = interval.isascii() and interval.isdecimal() and 1 <= int(interval) <= _MOST_INTERVAL
    if not known or len(parts) != len(pairs) or not counts:
        raise _refused()
    return parts


def _refused() -> InvalidRequest:
    return InvalidRequest("recurrence", "That recurrence is not understood; say it in other words.")


def _stepped(
    parts: dict[str, str], *, after: datetime, zone: ZoneInfo, start: datetime
) -> datetime | None:
    if parts.keys() & {"COUNT", "UNTIL"}:
        raise _refused()
    step = timedelta(seconds=_SECONDS[parts["FREQ"]] * int(parts.get("INTERVAL", "1")))
    first, passed = start.astimezone(UTC), after.astimezone(UTC)
    try:
        if first <= passed:
            first += ((passed - first) // step + 1) * step
        return first.astimezone(zone)
    except OverflowError:
        return None


def _on_wall(rrule: str, *, after: datetime, zone: ZoneInfo, start: datetime) -> datetime | None:
    from dateutil.rrule import rrulestr  # noqa: PLC0415  only recurrences pay for it

    wall = start.astimezone(zone).replace(tzinfo=None, microsecond=0, fold=0)
    passed = after.astimezone(UTC)
    try:
        rule = rrulestr(rrule, dtstart=wall)
        since = after.astimezone(zone).replace(tzinfo=None, fold=0) - timedelta(days=1)
        for occurrence in islice(rule.xafter(since), _TRIES):
            moment = at_wall(occurrence, zone)
            if moment.astimezone(UTC) > passed:
                return moment
    except OverflowError:
        return None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _refused() from error
    return None
