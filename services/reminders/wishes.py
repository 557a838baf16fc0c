"""From what somebody writes to what they want to be reminded of, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.domain.errors import InvalidRequest

_WHAT = "What should I remind you of?"
_WHEN = 'When should I remind you? Say it as in "tomorrow at 9am" or "in 20 minutes".'
_PAST = "That moment has passed; when should I remind you?"
_STAND_IN = "this"


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
    from services.reminders.when import parse_reminder  # noqa: PLC0415  dateutil is slow to load

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
    return Wish(when=moment, rrule=parsed.rrule, text=matter)


def _unclear(question: str) -> InvalidRequest:
    return InvalidRequest("reminder_unclear", question)
