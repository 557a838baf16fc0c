"""One socket of the voice gateway, and what is still to be sent on it."""

from __future__ import annotations

import asyncio
import contextlib
import json

from aiohttp import web

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.sessions import VoiceSession


class Connection:
    """Sends a session's frames in order."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.session: VoiceSession | None = None
        self.heartbeats: list[Json] = []
        self.farewell: int | None = None
        self._request = request
        self._sending = asyncio.Lock()
        self._attached = asyncio.Event()

    def attach(self, session: VoiceSession) -> None:
        """Begin to send what the session is told."""
        self.session = session
        self._attached.set()

    async def send(self, frame: Json) -> None:
        """Send a frame that is repeated by no resume."""
        async with self._sending:
            await self.socket.send_str(json.dumps(frame, separators=(",", ":")))

    async def write(self) -> None:
        """Send frames as they come; ends with the socket."""
        await self._attached.wait()
        session = self.session
        assert session is not None
        with contextlib.suppress(ConnectionError):
            while not self.socket.closed:
                await session.news.wait()
                if self.session is not session:
                    return  # another connection resumed it
                session.news.clear()
                while session.outbox and not self.socket.closed:
                    frame = session.outbox.popleft()
                    async with self._sending:
                        if isinstance(frame, bytes):
                            await self.socket.send_bytes(frame)
                        else:
                            await self.socket.send_str(frame)
                if self.farewell is not None:
                    await self.close(self.farewell)
                    return

    def end(self, code: int) -> None:
        """Say goodbye with a close code once all is sent; for connections with a session."""
        assert self.session is not None
        self.farewell = code
        self.session.news.set()

    async def close(self, code: int, reason: str = "") -> None:
        """Say goodbye with a close code."""
        await self.socket.close(code=code, message=reason.encode())

    def cut(self) -> None:
        """Break the connection off without a word; its session lives on."""
        if self.session is not None:
            session, self.session = self.session, None
            session.news.set()
        if self._request.transport is not None:
            self._request.transport.abort()
