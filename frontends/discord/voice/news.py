"""What the main gateway says of where a call is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_BELONGS_TOGETHER_SECONDS: Final = 1.5
"""A server's news and a channel's come as two events, in either order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What one connection is made with; when any of it changes, another has to be."""

    session_id: str
    token: str
    endpoint: str
    channel_id: int


class Bell:
    """Wakes who waits for a condition; none that stays is missed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Let everybody look again."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def until(self, condition: Callable[[], object], seconds: float | None) -> bool:
        """Wait until a condition holds, at most for some time; say whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._event.wait()
        return bool(condition())


class News:
    """Puts the two events about a call together; ``used`` is what the last connection came of."""

    def __init__(self) -> None:
        self.used: Ticket | None = None
        self._session_id: str | None = None
        self._channel_id = 0
        self._server: tuple[str, str] | None = None
        self._server_at = float("-inf")

    def forget(self) -> None:
        """Believe only what comes from now on."""
        self._session_id = self._server = None

    def take_state(self, session_id: str, channel_id: int) -> None:
        """Take VOICE_STATE_UPDATE."""
        self._session_id, self._channel_id = session_id, channel_id

    def take_server(self, token: str | None, endpoint: str | None, now: float) -> None:
        """Take VOICE_SERVER_UPDATE; without an endpoint, there is no server for a while."""
        self._server = (token, endpoint) if token and endpoint else None
        self._server_at = now

    @property
    def ticket(self) -> Ticket | None:
        """What to connect with, once everything is known."""
        if self._session_id is None or self._server is None:
            return None
        token, endpoint = self._server
        return Ticket(
            session_id=self._session_id,
            token=token,
            endpoint=endpoint,
            channel_id=self._channel_id,
        )

    @property
    def changed(self) -> bool:
        """Whether the connection there is was made with something else."""
        return self.used is not None and self.ticket != self.used

    def worth_trying(self, now: float) -> bool:
        """Say whether there is a server to go to that was not tried for this channel."""
        ticket, used = self.ticket, self.used
        if ticket is None or ticket == used:
            return False
        if used is None or (ticket.token, ticket.endpoint) != (used.token, used.endpoint):
            return True
        return now - self._server_at < _BELONGS_TOGETHER_SECONDS
