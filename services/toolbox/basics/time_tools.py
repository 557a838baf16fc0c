"""Tools that tell times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Annotated

from pydantic import BaseModel, Field

from services.domain.clock import Clock
from services.toolbox.basics import moments
from services.toolbox.basics.building import basic_tool
from services.toolbox.spec import ToolContext, ToolHandler, ToolSpec

FindZone = Callable[[str], tzinfo | None]
"""From an IANA name or a city to a zone; the machine's for an empty name. May block."""

Zone = Annotated[
    str, Field("", max_length=60, description="A city or IANA name; empty for the person's own.")
]
Moment = Annotated[
    str, Field(max_length=40, description="As 2026-12-31 or 2026-12-31T18:00.", min_length=4)
]


class _InZone(BaseModel):
    zone: Zone


class _NamedZone(BaseModel):
    zone: str = Field(min_length=1, max_length=60, description="A city or IANA name.")


class _Offset(BaseModel):
    days: Annotated[float, Field(0, ge=-400_000, le=400_000)]
    hours: Annotated[float, Field(0, ge=-1e7, le=1e7)]
    minutes: Annotated[float, Field(0, ge=-1e9, le=1e9)]


class _AtMoment(BaseModel):
    moment: Moment


class _Date(BaseModel):
    date: Moment


class _Times:
    def __init__(self, clock: Clock, find_zone: FindZone) -> None:
        self._clock = clock
        self._find_zone = find_zone

    async def now(self, name: str, context: ToolContext) -> datetime:
        """Return the time in a zone, by default that of whoever asked."""
        zone = await asyncio.to_thread(self._find_zone, name or context.timezone)
        return self._clock.now().astimezone(zone)

    async def current_time(self, given: _InZone, context: ToolContext) -> str:
        return moments.told(await self.now(given.zone, context))

    async def current_date(self, given: _InZone, context: ToolContext) -> str:
        return f"{await self.now(given.zone, context):%A, %d %B %Y (%Y-%m-%d)}"

    async def time_in_zone(self, given: _NamedZone, context: ToolContext) -> str:
        return moments.told(await self.now(given.zone, context))

    async def time_offset(self, given: _Offset, context: ToolContext) -> str:
        now = await self.now("", context)
        return moments.told(
            moments.shifted(now, days=given.days, hours=given.hours, minutes=given.minutes)
        )

    async def time_until(self, given: _AtMoment, context: ToolContext) -> str:
        now = await self.now("", context)
        moment = moments.read_moment(given.moment, _zone_of(now))
        if moment < now:
            return f"That was {moments.apart(moment, now)} ago."
        return f"{moments.apart(now, moment)} until {moments.told(moment)}"

    async def time_since(self, given: _AtMoment, context: ToolContext) -> str:
        now = await self.now("", context)
        moment = moments.read_moment(given.moment, _zone_of(now))
        if moment > now:
            return f"That lies ahead, in {moments.apart(now, moment)}."
        return f"{moments.apart(moment, now)} since {moments.told(moment)}"

    async def weekday(self, given: _Date, context: ToolContext) -> str:
        now = await self.now("", context)
        return f"{moments.read_moment(given.date, _zone_of(now)):%Y-%m-%d is a %A}"


def _zone_of(moment: datetime) -> tzinfo:
    assert moment.tzinfo is not None  # noqa: S101  astimezone gave one
    return moment.tzinfo


def time_tools(clock: Clock, find_zone: FindZone) -> Sequence[ToolSpec]:
    """Return the tools that tell times, by default in the zone of whoever asks."""
    times = _Times(clock, find_zone)

    def tool(
        name: str,
        description: str,
        parameters: type[BaseModel],
        handler: ToolHandler,
        keywords: str,
        pattern: str = "",
    ) -> ToolSpec:
        return basic_tool("time", name, description, parameters, handler, keywords, pattern)

    return [
        tool(
            "current_time",
            "Tells the time and date now.",
            _InZone,
            times.current_time,
            "time clock uhr uhrzeit",
            r"\bwhat(?:'s| is) the time\b|\bwhat time\b|wie (?:spät|viel uhr)",
        ),
        tool(
            "current_date",
            "Tells today's date.",
            _InZone,
            times.current_date,
            "date datum",
            r"\bwhat day is\b|\bwelcher tag\b|\bwelches datum\b",
        ),
        tool(
            "time_in_zone",
            "Tells what time it is now in a city or time zone.",
            _NamedZone,
            times.time_in_zone,
            "time zone timezone city zeitzone uhrzeit",
            r"\btime is it in\b|\bspät ist es in\b|\buhrzeit in\b",
        ),
        tool(
            "time_offset",
            "Tells which time and date it is some days, hours or minutes from now or ago.",
            _Offset,
            times.time_offset,
            "offset hence ago",
            r"\bin \d+ (?:day|hour|minute|week|tag|stunde|minute|woche)",
        ),
        tool(
            "time_until",
            "Tells how long it is until a date or time.",
            _AtMoment,
            times.time_until,
            "until till countdown remaining bis dauert",
            r"\bhow (?:long|many days|much time)\b.*\b(?:until|till|to)\b|\bwie lange\b.*\bbis\b",
        ),
        tool(
            "time_since",
            "Tells how long ago a date or time was.",
            _AtMoment,
            times.time_since,
            "since ago elapsed seit vergangen",
            r"\bhow (?:long|many days)\b.*\b(?:since|ago)\b|\bwie lange\b.*\b(?:seit|her)\b",
        ),
        tool(
            "weekday",
            "Tells which weekday a date is.",
            _Date,
            times.weekday,
            "weekday wochentag",
            r"\b(?:what|which) (?:week)?day\b|\bwelcher (?:wochen)?tag\b",
        ),
    ]
