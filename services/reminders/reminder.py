"""What a reminder is, and what people and clocks make of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.domain.ids import AuthorId, ConversationId, PersonaId

LONGEST = 500
"""Characters that the text of a reminder may have."""
MOST_OPEN = 200
"""Open reminders that a person may have."""
LATE = timedelta(seconds=90)
"""A delivery so long after its moment says that it is late."""

_MORNING = time(9, 0)


class Target(StrEnum):
    """Where a reminder is told: where it was made, or to its person alone."""

    HERE = "here"
    PRIVATE = "private"


class State(StrEnum):
    """``OPEN`` waits for its moment; ``SHOWN`` was told; ``UNDELIVERED`` could not be."""

    OPEN = "open"
    SHOWN = "shown"
    UNDELIVERED = "undelivered"


class Snooze(StrEnum):
    """For how long a reminder is put off."""

    TEN = "10m"
    HOUR = "1h"
    MORNING = "morning"

    def until(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Return the moment it comes back, in ``zone``; the morning is the next day's 9:00."""
        if self is Snooze.MORNING:
            tomorrow = now.astimezone(zone).date() + timedelta(days=1)
            local = datetime.combine(tomorrow, _MORNING, tzinfo=zone)
            return local.astimezone(UTC).astimezone(zone)
        minutes = 10 if self is Snooze.TEN else 60
        return (now.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One reminder of one account.

    ``number`` is what its person calls it. ``occurrence`` counts how often it has come due, and
    with ``id`` names one delivery for ever. ``uncertain`` says that this delivery was begun before
    and may have been seen, since ``tried_at``; ``missed`` counts occurrences nobody could be told
    and ``last_due`` is when the occurrence before was due.
    """

    id: str
    number: int
    owner: AuthorId
    conversation: ConversationId
    persona: PersonaId | None
    text: str
    due_at: datetime
    timezone: str
    created_at: datetime
    starts_at: datetime
    rrule: str | None = None
    target: Target = Target.HERE
    state: State = State.OPEN
    occurrence: int = 1
    settled: int = 0
    attempts: int = 0
    moved: bool = False
    uncertain: bool = False
    tried_at: datetime | None = None
    missed: int = 0
    last_due: datetime | None = None

    @property
    def private(self) -> bool:
        """Whether it goes to its person alone, by choice or because the place was not reached."""
        return self.moved or self.target is Target.PRIVATE

    @property
    def zone(self) -> ZoneInfo:
        """The zone it was made in; UTC when that zone exists no more."""
        return known_zone(self.timezone) or ZoneInfo("UTC")

    @property
    def moment(self) -> str:
        """Its moment by the clock of its zone."""
        return told(self.due_at, self.zone)


def known_zone(name: str) -> ZoneInfo | None:
    """Return the zone called ``name``; ``None`` when there is no such zone."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def told(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as people in ``zone`` read it."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M} ({zone.key})"
