"""Hours of the day in which nobody joins in unasked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, tzinfo

from services.domain.errors import InvalidRequest

_HOURS = re.compile(r"\s*(\d{1,2}):(\d{2})\s*(?:-|\u2013|to)\s*(\d{1,2}):(\d{2})\s*")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` up to ``end`` by the clock on the wall, over midnight if ``end`` is earlier.

    Where the clock jumps, what it shows counts: an hour it skips is never quiet, one it repeats is
    so twice.
    """

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read hours such as ``22:00-07:00``. Raises ``InvalidRequest``."""
        match = _HOURS.fullmatch(text)
        parts = map(int, match.groups()) if match else (-1, -1, -1, -1)
        begin_hour, begin_minute, end_hour, end_minute = parts
        try:
            hours = cls(time(begin_hour, begin_minute), time(end_hour, end_minute))
        except ValueError:
            raise InvalidRequest(
                "quiet_hours", "Write quiet hours as 22:00-07:00, in hours and minutes."
            ) from None
        if hours.start == hours.end:
            raise InvalidRequest(
                "quiet_hours", "Quiet hours have to end at another time than they begin."
            )
        return hours

    def hold(self, moment: datetime, zone: tzinfo | None) -> bool:
        """Tell whether ``moment``, which is aware, is quiet in ``zone``, or on this machine."""
        now = moment.astimezone(zone).time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"
