"""One gateway socket: framing, compression and what is still to be sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from typing import Final

from aiohttp import web

from tests.discord_standin.changes import Changes
from tests.discord_standin.faults import Faults
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.sessions import Session

_LARGE: Final = 512
_MOST_COMMANDS: Final = 120
_COMMANDS_WINDOW_SECONDS: Final = 60.0


class Connection:
    """Sends frames in order; ``zlib-stream`` shares one context over the whole connection.

    A client that asked for it when it identified gets large frames compressed one by one instead.
    """

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        *,
        faults: Faults,
        changes: Changes,
    ) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.heartbeats = 0
        self._request = request
        self._faults = faults
        self._changes = changes
        self._sent = 0
        self._commands: list[float] = []
        self._sending = asyncio.Lock()
        self._news = asyncio.Event()
        self.compresses_large = False
        streamed = request.query.get("compress") == "zlib-stream"
        self._deflate = zlib.compressobj() if streamed else None

    async def send(self, frame: Json) -> None:
        """Send a frame that has no place in the session's log."""
        await self._send_text(json.dumps(frame, separators=(",", ":")))

    def attach(self, session: Session, *, sent: int) -> None:
        """Begin to send the session's events after number ``sent``."""
        self.session = session
        self._sent = sent
        session.connected = True
        session.news = self._news
        self._news.set()

    async def write(self) -> None:
        """Send the session's events as they come; ends with the socket."""
        with contextlib.suppress(ConnectionError):
            while not self.socket.closed:
                await self._news.wait()
                self._news.clear()
                session = self.session
                if session is None:
                    continue
                if not session.has_all_since(self._sent):
                    await self.socket.close(code=4000, message=b"Too slow")
                    return
                for event in session.since(self._sent):
                    self._sent = event.sequence
                    await self._send_event(event.name, event.text)

    def is_flooding(self) -> bool:
        """Count a command and say whether there were more than Discord takes in a minute."""
        now = asyncio.get_running_loop().time()
        recent = [moment for moment in self._commands if moment > now - _COMMANDS_WINDOW_SECONDS]
        self._commands = [*recent, now]
        return len(self._commands) > _MOST_COMMANDS

    async def close(self, code: int, reason: str = "") -> None:
        """Say goodbye with a close code."""
        await self.socket.close(code=code, message=reason.encode())

    def cut(self) -> None:
        """Break the connection off without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _send_event(self, name: str, text: str) -> None:
        fault = self._faults.take_event(name)
        if fault is None:
            await self._send_text(text)
            return
        self._changes.notify()
        if fault.delay:
            await asyncio.sleep(fault.delay)
        for _ in range(0 if fault.drop else 2 if fault.duplicate else 1):
            await self._send_text(text)

    async def _send_text(self, text: str) -> None:
        async with self._sending:
            if self._deflate is None:
                if self.compresses_large and len(text) > _LARGE:
                    await self.socket.send_bytes(zlib.compress(text.encode()))
                else:
                    await self.socket.send_str(text)
                return
            data = self._deflate.compress(text.encode())
            await self.socket.send_bytes(data + self._deflate.flush(zlib.Z_SYNC_FLUSH))
