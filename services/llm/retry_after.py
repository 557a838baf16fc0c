"""When a server said to come back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 24 * 3600.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``retry-after-ms`` or ``retry-after`` ask for, up to a day.

    A date is read against the server's own ``date``, so that a wrong clock on either side does no
    harm. Names in ``headers`` must be found in lower case; ``None`` means it was not said.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, _LONGEST)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None:
        due, sent = _moment(text), _moment(headers.get("date"))
        seconds = max(0.0, (due - sent).total_seconds()) if due and sent else None
    return None if seconds is None else min(seconds, _LONGEST)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
