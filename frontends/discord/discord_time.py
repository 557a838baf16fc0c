"""How far this machine's clock is from Discord's."""

from __future__ import annotations

import logging
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

import aiohttp

from services.domain.clock import Clock

logger = logging.getLogger(__name__)

_SECONDS = 5.0
_WORTH_TELLING = timedelta(seconds=30)


async def ahead(api_url: str, http: aiohttp.ClientSession, clock: Clock) -> timedelta:
    """Return how far Discord's clock is ahead of ours, to the second; zero if it cannot be told.

    Asked of the ``Date`` of a response that needs no token. A machine whose clock is wrong would
    otherwise take what people say for old news.
    """
    try:
        async with http.get(
            f"{api_url.rstrip('/')}/gateway", timeout=aiohttp.ClientTimeout(total=_SECONDS)
        ) as response:
            said = response.headers.get("Date", "")
        there = parsedate_to_datetime(said)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        logger.info("Discord's clock was not read", extra={"why": type(error).__name__})
        return timedelta()
    difference = there.astimezone(UTC) - clock.now().astimezone(UTC)
    if abs(difference) > _WORTH_TELLING:
        seconds = difference.total_seconds()
        logger.warning("this machine's clock is off", extra={"by_seconds": seconds})
    return difference
