"""What time it is, and how far other times are away."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from services.domain.errors import InvalidRequest

_MOST_DAYS = 366_000


def told(moment: datetime) -> str:
    """Return a moment in words and in ISO 8601."""
    return f"{moment:%A, %d %B %Y, %H:%M} {moment.tzname() or ''}".rstrip() + (
        f" ({moment.isoformat(timespec='seconds')})"
    )


def shifted(now: datetime, *, days: float, hours: float, minutes: float) -> datetime:
    """Return ``now`` moved along the clock of its zone; a day is a calendar day.

    Raises ``InvalidRequest`` beyond a thousand years.
    """
    whole = int(days)
    apart = timedelta(hours=hours + (days - whole) * 24, minutes=minutes)
    if abs(whole) > _MOST_DAYS or abs(apart) > timedelta(days=_MOST_DAYS):
        raise InvalidRequest("moment_range", "That is too far away.")
    try:
        on_the_day = now + timedelta(days=whole)
        exact = on_the_day.timestamp() + apart.total_seconds()
        return datetime.fromtimestamp(exact, now.tzinfo)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidRequest("moment_range", "That is too far away.") from error


def read_moment(text: str, zone: tzinfo) -> datetime:
    """Read ISO 8601, a date alone as its midnight; without an offset in ``zone``.

    Raises ``InvalidRequest``.
    """
    try:
        moment = datetime.fromisoformat(text.strip()[:40])
        moment = moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
        moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            "moment", "Write a date as 2026-12-31, with a time as 2026-12-31T18:00."
        ) from error
    return moment


def apart(earlier: datetime, later: datetime) -> str:
    """Return how long it is from one moment to another, to the minute."""
    seconds = max(later.timestamp() - earlier.timestamp(), 0.0)
    minutes = round(seconds / 60)
    days, rest = divmod(minutes, 1_440)
    hours, left = divmod(rest, 60)
    parts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((days, "day"), (hours, "hour"), (left, "minute"))
        if count
    ]
    return ", ".join(parts) or "less than a minute"
