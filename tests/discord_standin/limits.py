"""Discord's rate limits: buckets per route and channel, and one global bucket per bot.

The headers follow https://discord.com/developers/docs/topics/rate-limits; windows are fixed and
begin with the first request.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from services.domain.clock import Clock
from tests.discord_standin.payloads.view import Json

_MOST_WINDOWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests per window and major parameter (channel, guild or webhook)."""

    name: str
    count: int
    seconds: float

    @property
    def bucket(self) -> str:
        """The opaque hash clients know the bucket by."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]


SENDING: Final = Limit("channel messages", 5, 5.0)
EDITING: Final = Limit("channel message edits", 5, 5.0)
DELETING: Final = Limit("channel message deletes", 5, 1.0)
REACTING: Final = Limit("reactions", 1, 0.25)
TYPING: Final = Limit("typing", 5, 5.0)
WEBHOOK: Final = Limit("webhook", 5, 2.0)
GLOBAL: Final = Limit("global", 50, 1.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bucket says to one request."""

    headers: dict[str, str]
    refusal: Json | None = None


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


class Limits:
    """Counts requests; ``refusals`` is how many were answered with 429.

    ``haste`` shortens every window by its factor, for tests that wait for one to end.
    """

    def __init__(self, clock: Clock, *, enforced: bool = True) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self.enforced = enforced
        self.refusals = 0
        self.haste = 1.0

    def admit(self, limit: Limit, major: str) -> Verdict:
        """Count one request and say whether it may pass; unenforced limits are not told of."""
        if not self.enforced:
            return Verdict({})
        now = self._clock.monotonic()
        window = self._window(limit, major, now)
        window.used += 1
        left = max(0.0, window.ends - now)
        headers = self._headers(limit, window, left)
        if window.used <= limit.count:
            return Verdict(headers)
        window.used = limit.count
        return self._refuse(limit, headers, left)

    def _window(self, limit: Limit, major: str, now: float) -> _Window:
        key = (limit.name, major)
        window = self._windows.pop(key, None)
        if window is None or window.ends <= now:
            window = _Window(now + limit.seconds / self.haste)
        self._windows[key] = window
        while len(self._windows) > _MOST_WINDOWS:
            del self._windows[next(iter(self._windows))]
        return window

    def _headers(self, limit: Limit, window: _Window, left: float) -> dict[str, str]:
        if limit is GLOBAL:
            return {}
        reset = self._clock.now().timestamp() + left
        return {
            "X-RateLimit-Limit": str(limit.count),
            "X-RateLimit-Remaining": str(max(0, limit.count - window.used)),
            "X-RateLimit-Reset": f"{reset:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": limit.bucket,
        }

    def _refuse(self, limit: Limit, headers: dict[str, str], left: float) -> Verdict:
        self.refusals += 1
        everywhere = limit is GLOBAL
        headers |= {
            "Retry-After": str(int(left) + 1),
            "X-RateLimit-Scope": "global" if everywhere else "user",
            "Via": "1.1 google",
        }
        if everywhere:
            headers["X-RateLimit-Global"] = "true"
        body: Json = {
            "message": "You are being rate limited.",
            "retry_after": round(left, 3),
            "global": everywhere,
            "code": 0,
        }
        return Verdict(headers, body)
