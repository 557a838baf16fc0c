"""A bare client of the voice gateway: every step by hand, in either mode, without discord.py.

It enters through a ticket, as a bot would after VOICE_SERVER_UPDATE, and follows no encryption
between the ends unless a test does.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.certificate import own_certificate
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.rtp import Header, Packet, opened
from tests.discord_standin.voice.sealing import CIPHERS, Cipher
from tests.discord_standin.voice.server import Ticket, VoiceServer

_PATIENCE_SECONDS = 10.0


class BareClient:
    """One connection; ``frames`` are those in JSON not yet waited for, ``seq`` the last number."""

    def __init__(self, socket_: aiohttp.ClientWebSocketResponse, ticket: Ticket) -> None:
        self.ticket = ticket
        self.seq = -1
        self.ssrc = 0
        self.counter = 0
        self.binary: list[tuple[Op, bytes]] = []
        self.close_code: int | None = None
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setblocking(False)
        self._ws = socket_
        self._cipher: Cipher | None = None

    async def send(self, op: Op, data: Any) -> None:
        await self._ws.send_json({"op": int(op), "d": data})

    async def identify(self, **changes: Any) -> None:
        """Send op 0; ``changes`` are put over what is right."""
        right = {
            "server_id": str(self.ticket.guild_id),
            "user_id": str(self.ticket.user_id),
            "session_id": self.ticket.session_id,
            "token": self.ticket.token,
            "max_dave_protocol_version": 1,
        }
        await self.send(Op.IDENTIFY, right | changes)

    async def resume(self, seq_ack: int) -> None:
        """Send op 7."""
        data = {
            "server_id": str(self.ticket.guild_id),
            "session_id": self.ticket.session_id,
            "token": self.ticket.token,
            "seq_ack": seq_ack,
        }
        await self.send(Op.RESUME, data)

    async def expect(self, op: Op) -> Json:
        """Return what comes with this opcode, passing over the rest.

        Raises:
            ConnectionError: the server closed; ``close_code`` says why.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                frame = await self.next_frame()
                if frame["op"] == op:
                    return dict(frame["d"] or {})

    async def next_frame(self) -> Json:
        """Return the next frame in JSON, keeping binary ones aside."""
        while True:
            message = await self._ws.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                self.seq = int.from_bytes(message.data[:2])
                self.binary.append((Op(message.data[2]), message.data[3:]))
            elif message.type is aiohttp.WSMsgType.TEXT:
                frame: Json = json.loads(message.data)
                self.seq = frame.get("seq", self.seq)
                return frame
            else:
                self.close_code = self._ws.close_code
                raise ConnectionError(str(message.data))

    async def closed_with(self) -> int | None:
        """Wait until the server closes, and return its code."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    await self.next_frame()
        except ConnectionError:
            return self.close_code

    async def enters(self, mode: str) -> Json:
        """Go all the way from op 0 to op 4, and return what that said."""
        await self.identify()
        ready = await self.expect(Op.READY)
        self.ssrc = ready["ssrc"]
        self.udp.connect((ready["ip"], ready["port"]))
        address, port = await self.discover()
        chosen = {"protocol": "udp", "data": {"address": address, "port": port, "mode": mode}}
        await self.send(Op.SELECT_PROTOCOL, chosen)
        described = await self.expect(Op.SESSION_DESCRIPTION)
        self._cipher = CIPHERS[mode](bytes(described["secret_key"]))
        return described

    async def discover(self) -> tuple[str, int]:
        """Ask the server how it sees this socket."""
        self.udp.send(b"\x00\x01\x00\x46" + self.ssrc.to_bytes(4) + bytes(66))
        answer = await self.receive_datagram()
        assert answer[:8] == b"\x00\x02\x00\x46" + self.ssrc.to_bytes(4)
        return answer[8:72].rstrip(b"\0").decode(), int.from_bytes(answer[72:])

    async def receive_datagram(self) -> bytes:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asyncio.get_running_loop().sock_recv(self.udp, 2048)

    async def receive(self) -> Packet:
        """Return the next packet, opened."""
        assert self._cipher is not None
        data = await self.receive_datagram()
        header, size = Header.parse(data)
        plain = self._cipher.open(data[size:-4], data[:size], data[-4:])
        return opened(header, plain, at_us=0, nonce=int.from_bytes(data[-4:]))

    def sends(self, sequence: int, frame: bytes, *, counter: int | None = None) -> None:
        """Seal and send a frame; ``counter`` forces the nonce."""
        assert self._cipher is not None
        if counter is None:
            self.counter += 1
            counter = self.counter
        nonce = counter.to_bytes(4)
        header = Header(sequence=sequence, timestamp=sequence * 960, ssrc=self.ssrc).pack()
        self.udp.send(header + self._cipher.seal(frame, header, nonce) + nonce)


@asynccontextmanager
async def bare_client(server: VoiceServer, ticket: Ticket) -> AsyncIterator[BareClient]:
    """Connect, and be greeted."""
    connector = aiohttp.TCPConnector(ssl=own_certificate().client_context())
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.ws_connect(f"wss://{server.endpoint}/?v=8") as socket_,
    ):
        client = BareClient(socket_, ticket)
        try:
            greeting = await client.expect(Op.HELLO)
            assert greeting["heartbeat_interval"] > 0
            yield client
        finally:
            client.udp.close()
