"""Macros that tell date, time and how long ago something was."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

from services.persona.macros import dates

if TYPE_CHECKING:
    from services.persona.macros.engine import Call

Function = Callable[["Call"], str | None]

_UTC = re.compile(r"\s*(?:UTC)?\s*([+-]?\d{1,2})\s*", re.IGNORECASE)


def _time(macro: Call) -> str | None:
    if macro.count == 0:
        return dates.time_of_day(macro.environment.now)
    return _time_utc(macro)


def _time_utc(macro: Call) -> str | None:
    match = _UTC.fullmatch(macro.argument(0))
    if match is None or abs(int(match[1])) > 14:
        return None
    zone = timezone(timedelta(hours=int(match[1])))
    return dates.time_of_day(macro.environment.now.astimezone(zone))


def _moment(pattern: str) -> Function:
    def moment(macro: Call) -> str:
        return dates.formatted(macro.environment.now, pattern)

    return moment


def _formatted_moment(macro: Call) -> str:
    return dates.formatted(macro.environment.now, macro.rest().strip())


def _idle(macro: Call) -> str:
    last = macro.environment.last_user_at
    if last is None:
        return "just now"
    return dates.humanised(macro.environment.now - last)


def _difference(macro: Call) -> str | None:
    if macro.count < 2:
        return None
    now = macro.environment.now
    first, second = (dates.read_moment(macro.argument(index), now) for index in (0, 1))
    if first is None or second is None:
        return "Invalid date"
    return dates.from_now(first - second)


FUNCTIONS: Mapping[str, Function] = {
    "time": _time,
    "time_utc": _time_utc,
    "date": _moment("LL"),
    "weekday": _moment("dddd"),
    "isotime": _moment("HH:mm"),
    "isodate": _moment("YYYY-MM-DD"),
    "datetimeformat": _formatted_moment,
    "idle_duration": _idle,
    "idleduration": _idle,
    "timediff": _difference,
}
