"""Time zones by their IANA names, and which one a person lives in."""

from __future__ import annotations

import asyncio
import difflib
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from services.domain.errors import InvalidRequest
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.people.own_choices import OwnChoices
from services.people.scopes import ScopedSetting, ScopeKind

TIMEZONE = ScopedSetting("person.timezone", str, default="", scopes=frozenset({ScopeKind.USER}))


class Timezones:
    """Keeps the time zone of each person; only the person changes it."""

    def __init__(self, own: OwnChoices) -> None:
        self._own = own

    async def of(self, account: AuthorId) -> str | None:
        """Return the IANA name that whoever has an account chose, if any."""
        return await self._own.of(TIMEZONE, account) or None

    async def of_author(self, author: Author | None) -> str | None:
        """Do ``of`` for the author of a message."""
        return await self._own.of_author(TIMEZONE, author) or None

    async def choose(self, account: AuthorId, name: str) -> str:
        """Keep a person's zone and return its IANA name; see ``zone_name`` for what is understood.

        Raises ``InvalidRequest``, and ``NotFound`` for an account never seen.
        """
        found = await asyncio.to_thread(zone_name, name)
        await self._own.choose(TIMEZONE, account, found)
        return found

    async def clear(self, account: AuthorId) -> None:
        """Forget the person's zone. Raises ``NotFound`` for an account never seen."""
        await self._own.choose(TIMEZONE, account, None)


def zone(name: str | None) -> ZoneInfo | None:
    """Return the zone with an IANA name; ``None``, the machine's, without one or for no zone."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def found_zone(name: str) -> ZoneInfo | None:
    """Return the zone ``name`` means, ``None``, the machine's, for an empty one. Blocking.

    Raises ``InvalidRequest`` naming zones with similar names.
    """
    return ZoneInfo(zone_name(name)) if name.strip() else None


def zone_name(text: str) -> str:
    """Return the IANA name that ``text`` means, in any case; a city alone will do. Blocking.

    Raises ``InvalidRequest`` naming zones with similar names.
    """
    wanted = text.strip().replace(" ", "_").casefold()
    known = _known()
    found = known.get(wanted)
    if found is not None:
        return found
    close = difflib.get_close_matches(wanted, known, n=2, cutoff=0.6)
    similar = dict.fromkeys(known[one] for one in close)
    hint = f"did you mean {' or '.join(similar)}?" if close else "write it as in Europe/Berlin."
    raise InvalidRequest(
        "timezone_unknown", f"There is no time zone called {text.strip()[:40]}; {hint}"
    )


@cache
def _known() -> dict[str, str]:
    """Return every zone by its name in lower case, and by its city where only one has it."""
    zones = {name.casefold(): name for name in sorted(available_timezones())}
    cities: dict[str, list[str]] = {}
    for name in zones.values():
        area, slash, city = name.rpartition("/")
        if slash and "/" not in area:
            cities.setdefault(city.casefold(), []).append(name)
    return {city: names[0] for city, names in cities.items() if len(names) == 1} | zones
