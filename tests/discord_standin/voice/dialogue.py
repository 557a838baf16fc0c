"""One client's dialogue with the voice gateway, version 8."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from aiohttp import WSMessage, WSMsgType

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.connection import Connection
from tests.discord_standin.voice.opcodes import Close, Op
from tests.discord_standin.voice.sealing import Sealing
from tests.discord_standin.voice.sessions import VoiceSession

if TYPE_CHECKING:
    from tests.discord_standin.voice.server import VoiceServer

_VERSION: Final = "8"
_MISSED_BEATS: Final = 2.0
_SHORTEST_WAIT_SECONDS: Final = 0.001
"""For aiohttp, zero means for ever."""
_KEY_BYTES: Final = 32
_FOR_CALL: Final = (
    Op.SPEAKING,
    Op.TRANSITION_READY,
    Op.INVALID_COMMIT_WELCOME,
    Op.KEY_PACKAGE,
    Op.COMMIT_WELCOME,
)


class Goodbye(Exception):  # noqa: N818
    """The connection ends with this code."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Dialogue:
    """Takes what one client sends; a breach of protocol ends it with Discord's close code."""

    def __init__(self, server: VoiceServer, connection: Connection, version: str) -> None:
        self._server = server
        self._connection = connection
        self._version = version
        self._max_dave = 0

    async def hold(self) -> None:
        """Talk until either side closes."""
        interval = int(self._server.settings.heartbeat_seconds * 1000)
        with contextlib.suppress(ConnectionError):
            try:
                self._demand_version()
                await self._connection.send(
                    {"op": Op.HELLO, "d": {"v": 8, "heartbeat_interval": interval}}
                )
                await self._read()
            except Goodbye as goodbye:
                await self._connection.close(goodbye.code, goodbye.reason)

    def _demand_version(self) -> None:
        if self._version != _VERSION:
            raise Goodbye(Close.BAD_REQUEST, "The stand-in speaks version 8.")

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        patience = self._server.settings.heartbeat_seconds * _MISSED_BEATS
        deadline = loop.time() + patience
        while True:
            try:
                message = await self._connection.socket.receive(
                    timeout=max(_SHORTEST_WAIT_SECONDS, deadline - loop.time())
                )
            except TimeoutError:
                raise Goodbye(Close.SESSION_TIMEOUT, "Session timed out.") from None
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            op, data = _frame_of(message)
            if op is Op.HEARTBEAT:
                deadline = loop.time() + patience
            await self._take(op, data)
            self._server.changed()

    async def _take(self, op: Op, data: Any) -> None:
        if op is Op.HEARTBEAT:
            self._connection.heartbeats.append(data)
            await self._connection.send({"op": Op.HEARTBEAT_ACK, "d": {"t": data["t"]}})
            return
        session = self._connection.session
        if op in (Op.IDENTIFY, Op.RESUME):
            if session is not None:
                raise Goodbye(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
            await (self._identify if op is Op.IDENTIFY else self._resume)(data)
            return
        if session is None:
            raise Goodbye(Close.NOT_AUTHENTICATED, "Not authenticated.")
        session.taken.append((op, data))
        if op is Op.SELECT_PROTOCOL:
            self._select_protocol(session, data)
        elif op in _FOR_CALL:
            if op is Op.SPEAKING:
                session.has_announced_itself = True
            self._server.call_in(self._channel_of(session)).take(session, op, data)

    async def _identify(self, data: Json) -> None:
        user_id = int(data["user_id"])
        ticket = self._server.tickets.get(user_id)
        if ticket is None or data["session_id"] != ticket.session_id:
            raise Goodbye(Close.SESSION_INVALID, "Session is no longer valid.")
        if data["token"] != ticket.token or int(data["server_id"]) != ticket.guild_id:
            raise Goodbye(Close.AUTHENTICATION_FAILED, "Authentication failed.")
        self._max_dave = int(data.get("max_dave_protocol_version") or 0)
        if self._max_dave < self._server.settings.dave_version:
            raise Goodbye(Close.E2EE_REQUIRED, "E2EE/DAVE protocol required.")
        session = self._server.admit(ticket)
        self._connection.attach(session)
        session.told(
            Op.READY,
            {
                "ssrc": session.ssrc,
                "ip": "127.0.0.1",
                "port": self._server.udp_port,
                "modes": list(self._server.settings.modes),
                "experiments": [],
            },
        )

    async def _resume(self, data: Json) -> None:
        for session in self._server.sessions.values():
            if (session.session_id, session.token) == (data["session_id"], data["token"]):
                break
        else:
            raise Goodbye(Close.SESSION_INVALID, "Session is no longer valid.")
        for other in self._server.connections_of(session.user_id):
            other.cut()
        if not session.replay(int(data.get("seq_ack", -1))):
            raise Goodbye(Close.SESSION_INVALID, "Session is no longer valid.")
        self._server.resumed += 1
        await self._connection.send({"op": Op.RESUMED, "d": None})
        self._connection.attach(session)

    def _select_protocol(self, session: VoiceSession, data: Json) -> None:
        if data["protocol"] != "udp":
            raise Goodbye(Close.UNKNOWN_PROTOCOL, "Unknown protocol.")
        mode = data["data"]["mode"]
        if mode not in self._server.settings.modes:
            raise Goodbye(Close.UNKNOWN_ENCRYPTION_MODE, "Unknown encryption mode.")
        call = self._server.call_in(self._channel_of(session))
        describe(session, mode, version=call.group.version)
        call.enter(session)

    def _channel_of(self, session: VoiceSession) -> int:
        ticket = self._server.tickets.get(session.user_id)
        if ticket is None or ticket.token != session.token:
            raise Goodbye(Close.DISCONNECTED, "Disconnected.")
        return ticket.channel_id


def describe(session: VoiceSession, mode: str, *, version: int) -> None:
    """Give a client its key, at the beginning or anew."""
    session.sealing = Sealing(mode, secrets.token_bytes(_KEY_BYTES))
    session.told(
        Op.SESSION_DESCRIPTION,
        {
            "mode": mode,
            "secret_key": list(session.sealing.key),
            "dave_protocol_version": version,
            "audio_codec": "opus",
            "video_codec": "H264",
            "media_session_id": secrets.token_hex(16),
        },
    )


def _frame_of(message: WSMessage) -> tuple[Op, Any]:
    try:
        if message.type is WSMsgType.BINARY:
            return Op(message.data[0]), bytes(message.data[1:])
        frame = json.loads(message.data)
        number, data = frame["op"], frame.get("d")
    except (ValueError, LookupError, TypeError):
        raise Goodbye(Close.UNDECODABLE, "Failed to decode payload.") from None
    try:
        return Op(number), data
    except ValueError:
        raise Goodbye(Close.UNKNOWN_OPCODE, "Unknown opcode.") from None
