"""From what somebody writes to what they want to be reminded of, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.domain.errors import InvalidRequest

_WHAT = "What should I remind you of?"
_WHEN = 'When should I remind you? Say it as in "tomorrow at 9am" or "in 20 minutes".'
_PAST = "That moment has passed; when should I remind you?"
_TOO_OFTEN = "A reminder can repeat every ten minutes at most; how often should this one?"
_STAND_IN = "this"
_SHORTEST_GAP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A moment in UTC, how it repeats (RFC 5545), and the text."""

    when: datetime
    rrule: str | None
    text: str


def read(text: str, *, when: str, now: datetime, zone: ZoneInfo) -> Wish:
    """Return what is wished for; ``when`` says the moment if it is not in ``text``. Blocking.

    Raises ``InvalidRequest`` whose sentence is the question to ask where anything is open.
    """
    from services.reminders.when import (  # noqa: PLC0415  dateutil is slow to load
        next_occurrence,
        parse_reminder,
    )

    said = f"remind me {when.strip()} to {_STAND_IN}" if when.strip() else text
    parsed = parse_reminder(said, now=now.astimezone(zone), zone=zone)
    if parsed.ask is not None:
        raise _unclear(parsed.ask)
    if parsed.when is None:
        raise _unclear(_WHEN)
    matter = " ".join((text if when.strip() else parsed.text).split())
    if not matter:
        raise _unclear(_WHAT)
    moment = parsed.when.astimezone(UTC)
    if moment <= now:
        raise _unclear(_PAST)
    if parsed.rrule is not None:
        second = next_occurrence(parsed.rrule, after=moment, zone=zone, start=moment)
        if second is not None and second - moment < _SHORTEST_GAP:
            raise _unclear(_TOO_OFTEN)
    return Wish(when=moment, rrule=parsed.rrule, text=matter)


def _unclear(question: str) -> InvalidRequest:
    return InvalidRequest("reminder_unclear", question)
