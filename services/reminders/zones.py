"""Which time zone somebody's words about times are read in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from services.domain.ids import ConversationId
from services.domain.people import Author
from services.reminders.reminder import known_zone

_LOCALTIME = Path("/etc/localtime")
_FOLDER = "zoneinfo/"


class ZoneOrigin(StrEnum):
    """Who chose a zone."""

    PERSON = "person"
    PLACE = "place"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """A zone and who chose it."""

    zone: ZoneInfo
    origin: ZoneOrigin


class PersonZones(Protocol):
    """Knows the zones that people chose for themselves."""

    async def of_author(self, author: Author | None, /) -> str | None:
        """Return the name of an author's zone, if they chose one."""
        ...


PlaceZone = Callable[[ConversationId], Awaitable[str]]
"""Returns the name of the zone chosen for a place; empty without one."""


class Zones:
    """The person's zone, else the place's, else the machine's; one that is gone counts as none."""

    def __init__(
        self, people: PersonZones, place: PlaceZone, *, machine: str | None = None
    ) -> None:
        self._people = people
        self._place = place
        self._machine = machine

    async def of(self, author: Author, conversation: ConversationId) -> ZoneChoice:
        """Return the zone for what ``author`` writes in ``conversation``."""
        own = known_zone(await self._people.of_author(author) or "")
        if own is not None:
            return ZoneChoice(own, ZoneOrigin.PERSON)
        place = known_zone(await self._place(conversation))
        if place is not None:
            return ZoneChoice(place, ZoneOrigin.PLACE)
        name = await asyncio.to_thread(machine_zone) if self._machine is None else self._machine
        return ZoneChoice(known_zone(name) or ZoneInfo("UTC"), ZoneOrigin.MACHINE)


def machine_zone() -> str:
    """Return the IANA name of the machine's zone, from ``TZ`` or ``/etc/localtime``. Blocking."""
    named = os.environ.get("TZ", "").lstrip(":")
    if known_zone(named) is not None:
        return named
    try:
        target = str(_LOCALTIME.resolve())
    except OSError:
        return "UTC"
    name = target.rpartition(_FOLDER)[2] if _FOLDER in target else ""
    return name if known_zone(name) is not None else "UTC"
