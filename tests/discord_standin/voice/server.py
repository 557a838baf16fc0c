"""A voice server, of which a region has one: TLS gateway and UDP on two loopback ports.

https://discord.com/developers/docs/topics/voice-connections
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from tests.discord_standin.voice.call import Call
from tests.discord_standin.voice.certificate import own_certificate
from tests.discord_standin.voice.connection import Connection
from tests.discord_standin.voice.datagrams import Address, Datagrams
from tests.discord_standin.voice.dialogue import Dialogue
from tests.discord_standin.voice.mls import ExternalSender
from tests.discord_standin.voice.opcodes import Close
from tests.discord_standin.voice.sessions import VoiceSession
from tests.discord_standin.voice.settings import VoiceSettings

_DISCOVERY_SIZE: Final = 74
_KEEPALIVE_SIZE: Final = 8
_ASK, _ANSWER = b"\x00\x01\x00\x46", b"\x00\x02\x00\x46"
_FIRST_SSRC: Final = 0x1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What VOICE_SERVER_UPDATE lets a bot in with; good for one channel."""

    user_id: int
    guild_id: int
    channel_id: int
    session_id: str
    token: str


class VoiceServer:
    """Serves calls while it is open; ``endpoint`` is what VOICE_SERVER_UPDATE names.

    ``handshakes`` counts how many clients came in anew, ``resumed`` how many came back.
    """

    def __init__(self, settings: VoiceSettings, *, changed: Callable[[], None]) -> None:
        self.settings = settings
        self.changed = changed
        self.endpoint = ""
        self.calls: dict[int, Call] = {}
        self.tickets: dict[int, Ticket] = {}
        self.sessions: dict[int, VoiceSession] = {}
        self.connections: list[Connection] = []
        self.handshakes = 0
        self.resumed = 0
        self.problems: list[str] = []
        self._external_sender = ExternalSender()
        self._rng = random.Random(settings.seed)
        self._ssrc = _FIRST_SSRC
        self._addresses: dict[Address, VoiceSession] = {}
        self._datagrams = Datagrams(self._take_datagram)
        self._runner: web.AppRunner | None = None

    @property
    def udp_port(self) -> int:
        """Where sound is sent to."""
        return self._datagrams.port

    async def open(self) -> None:
        """Begin to listen."""
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        context = own_certificate().server_context()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.endpoint = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self._datagrams.open()

    async def close(self) -> None:
        """Say goodbye to all and stop listening."""
        for connection in list(self.connections):
            await connection.close(1001)
        self._datagrams.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def call_in(self, channel_id: int) -> Call:
        """Return a channel's call, which begins when it is first asked for."""
        found = self.calls.get(channel_id)
        if found is None:
            found = self.calls[channel_id] = Call(
                channel_id, self.settings, self._external_sender, changed=self.changed
            )
        return found

    def expect(self, user_id: int, guild_id: int, channel_id: int, session_id: str) -> Ticket:
        """Let a bot come in, with a token that is good from now on; a former one is not."""
        ticket = Ticket(
            user_id=user_id,
            guild_id=guild_id,
            channel_id=channel_id,
            session_id=session_id,
            token=secrets.token_hex(8),
        )
        self.tickets[user_id] = ticket
        return ticket

    def admit(self, ticket: Ticket) -> VoiceSession:
        """Begin a session; a former one of the same bot ends."""
        self.forget(ticket.user_id)
        session = VoiceSession(
            user_id=ticket.user_id,
            session_id=ticket.session_id,
            token=ticket.token,
            ssrc=self.next_ssrc(),
            transmit=self._datagrams.send,
            rng=random.Random(self._rng.random()),
            mapping_seconds=self.settings.mapping_seconds,
        )
        self.sessions[ticket.user_id] = session
        self.handshakes += 1
        return session

    def forget(self, user_id: int) -> None:
        """End a bot's session; it cannot be resumed."""
        session = self.sessions.pop(user_id, None)
        if session is None:
            return
        if session.address is not None:
            self._addresses.pop(session.address, None)
        self.problems += session.problems
        for call in self.calls.values():
            call.leave(session)

    def dismiss(self, user_id: int, code: int = Close.DISCONNECTED) -> None:
        """End a bot's session and close its connection with ``code``."""
        connections = self.connections_of(user_id)
        self.forget(user_id)
        for connection in connections:
            connection.end(code)

    def crash(self) -> None:
        """Close every connection with 4015; sessions can be resumed."""
        for connection in self.connections:
            connection.end(Close.SERVER_CRASHED)

    def connections_of(self, user_id: int) -> list[Connection]:
        """Return a bot's open connections."""
        session = self.sessions.get(user_id)
        return [each for each in self.connections if session and each.session is session]

    def all_problems(self) -> list[str]:
        """Return every breach of protocol that was seen."""
        of_sessions = [each for session in self.sessions.values() for each in session.problems]
        of_groups = [each for call in self.calls.values() for each in call.group.problems]
        return [*self.problems, *of_sessions, *of_groups]

    def next_ssrc(self) -> int:
        """Return a mark for packets that nobody here has."""
        self._ssrc += 1
        return self._ssrc

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = Connection(request, socket)
        self.connections.append(connection)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(connection.write())
                try:
                    await Dialogue(self, connection, request.query.get("v", "1")).hold()
                finally:
                    if connection.farewell is None:
                        writer.cancel()
        finally:
            self.connections.remove(connection)
            self.changed()
        return socket

    def _take_datagram(self, packet: bytes, address: Address, at_us: int) -> None:
        if len(packet) == _DISCOVERY_SIZE and packet.startswith(_ASK):
            self._discover(packet, address)
            return
        session = self._addresses.get(address)
        if session is None:
            return
        session.is_at(address)
        if len(packet) <= _KEEPALIVE_SIZE:
            session.keepalives += 1
            self._datagrams.send(packet, address)
            return
        found = session.open(packet, at_us)
        ticket = self.tickets.get(session.user_id)
        if found is not None and ticket is not None and ticket.channel_id in self.calls:
            self.calls[ticket.channel_id].carry(session, found)
        self.changed()

    def _discover(self, packet: bytes, address: Address) -> None:
        ssrc = packet[4:8]
        for session in self.sessions.values():
            if session.ssrc == int.from_bytes(ssrc):
                session.is_at(address)
                self._addresses[address] = session
        host = address[0].encode().ljust(64, b"\0")
        self._datagrams.send(_ANSWER + ssrc + host + address[1].to_bytes(2), address)
