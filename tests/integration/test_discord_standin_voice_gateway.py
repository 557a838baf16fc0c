"""The stand-in's voice gateway step by step: both modes, resuming, and what it refuses."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.scene import Scene, scene
from tests.discord_standin.voice.client import BareClient, bare_client
from tests.discord_standin.voice.opcodes import Close, Op
from tests.discord_standin.voice.rtp import SILENCE
from tests.discord_standin.voice.sealing import AES_GCM, CIPHERS, XCHACHA
from tests.discord_standin.voice.server import Ticket, VoiceServer
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.stage import eventually

MODES = pytest.mark.parametrize("mode", list(CIPHERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A voice server and a ticket to the lounge."""

    town: Scene
    lounge: Channel
    server: VoiceServer
    ticket: Ticket


@asynccontextmanager
async def desk(settings: VoiceSettings | None = None) -> AsyncIterator[Desk]:
    settings = settings or VoiceSettings(dave_version=0)
    async with scene(limits=False, voice=settings) as town:
        lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
        server = town.standin.gateway.voice.servers[0]
        ticket = server.expect(town.bot.user.id, town.guild.id, lounge.id, "a" * 32)
        yield Desk(town=town, lounge=lounge, server=server, ticket=ticket)


async def announce(client: BareClient) -> None:
    await client.send(Op.SPEAKING, {"speaking": 1, "delay": 0, "ssrc": client.ssrc})


@MODES
async def test_sound_goes_both_ways_in_either_mode(mode):
    async with desk() as here, bare_client(here.server, here.ticket) as client:
        alice = here.town.alice
        alice.joins_voice(here.lounge)
        described = await client.enters(mode)
        assert (described["mode"], described["dave_protocol_version"]) == (mode, 0)
        assert len(described["secret_key"]) == 32
        await announce(client)
        await eventually(lambda: here.server.sessions[here.ticket.user_id].has_announced_itself)
        for number in range(3):
            client.sends(number, bytes([number]) * 9)
        alice.voice.sends(b"hello")
        assert (await client.receive()).frame == b"hello"
        await eventually(lambda: len(alice.voice.recorder.heard) == 3)
        heard = alice.voice.recorder.of(here.ticket.user_id)
        assert [each.opus for each in heard] == [bytes([number]) * 9 for number in range(3)]
        assert [each.nonce for each in heard] == [1, 2, 3]


async def test_nobody_trusts_the_certificate_unasked():
    async with desk() as here, aiohttp.ClientSession() as http:
        strict = ssl.create_default_context()
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(f"https://{here.server.endpoint}/", ssl=strict)


_GREETED = """
import asyncio, sys
import aiohttp

async def main():
    async with aiohttp.ClientSession() as http, http.ws_connect(sys.argv[1]) as socket:
        print((await socket.receive_json())["op"])

asyncio.run(main())
"""


async def test_another_program_trusts_the_certificate_through_its_environment():
    async with desk() as here:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _GREETED,
            f"wss://{here.server.endpoint}/?v=8",
            env=os.environ | here.town.standin.environment(here.town.bot),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await program.communicate()
        assert (program.returncode, int(said)) == (0, Op.HELLO)


async def test_discovery_and_keepalive_are_answered_to_where_they_came_from():
    async with desk() as here, bare_client(here.server, here.ticket) as client:
        await client.enters(XCHACHA)
        assert await client.discover() == client.udp.getsockname()
        client.udp.send(bytes(8))
        assert await client.receive_datagram() == bytes(8)
        assert here.server.sessions[here.ticket.user_id].keepalives == 1


async def test_the_way_back_closes_behind_who_sends_nothing():
    settings = VoiceSettings(dave_version=0, mapping_seconds=60.0)
    async with desk(settings) as here, bare_client(here.server, here.ticket) as client:
        here.town.alice.joins_voice(here.lounge)
        await client.enters(XCHACHA)
        session = here.server.sessions[here.ticket.user_id]
        session._seen_at -= 61.0
        here.town.alice.voice.sends(b"lost")
        assert session.unreachable == 1
        client.udp.send(bytes(8))
        assert await client.receive_datagram() == bytes(8)
        here.town.alice.voice.sends(b"here again")
        assert (await client.receive()).frame == b"here again"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"session_id": "another"}, Close.SESSION_INVALID),
        ({"user_id": "1"}, Close.SESSION_INVALID),
        ({"token": "wrong"}, Close.AUTHENTICATION_FAILED),
        ({"server_id": "1"}, Close.AUTHENTICATION_FAILED),
        ({"max_dave_protocol_version": 0}, Close.E2EE_REQUIRED),
    ],
    ids=["session", "user", "token", "guild", "no E2EE"],
)
async def test_who_may_not_enter_is_told_why(changes, code):
    async with desk(VoiceSettings()) as here, bare_client(here.server, here.ticket) as client:
        await client.identify(**changes)
        assert await client.closed_with() == code


async def test_an_unknown_mode_and_a_wrong_order_end_the_connection():
    async with desk() as here:
        async with bare_client(here.server, here.ticket) as client:
            await client.identify()
            data = {"address": "127.0.0.1", "port": 9, "mode": "xsalsa20_poly1305"}
            await client.send(Op.SELECT_PROTOCOL, {"protocol": "udp", "data": data})
            assert await client.closed_with() == Close.UNKNOWN_ENCRYPTION_MODE
        async with bare_client(here.server, here.ticket) as client:
            await client.send(Op.SPEAKING, {"speaking": 1, "delay": 0, "ssrc": 1})
            assert await client.closed_with() == Close.NOT_AUTHENTICATED


async def test_heartbeats_are_answered_and_silence_ends_the_session():
    settings = VoiceSettings(dave_version=0, heartbeat_seconds=0.2)
    async with desk(settings) as here, bare_client(here.server, here.ticket) as client:
        await client.send(Op.HEARTBEAT, {"t": 17, "seq_ack": -1})
        assert await client.expect(Op.HEARTBEAT_ACK) == {"t": 17}
        assert await client.closed_with() == Close.SESSION_TIMEOUT


async def test_a_resume_repeats_what_was_missed_and_keeps_key_and_place():
    async with desk() as here:
        alice, bob = here.town.alice, here.town.bob
        async with bare_client(here.server, here.ticket) as client:
            await client.enters(XCHACHA)
            alice.joins_voice(here.lounge)
            await client.expect(Op.CLIENTS_CONNECT)
            seen = client.seq
            here.server.crash()
            assert await client.closed_with() == Close.SERVER_CRASHED
            bob.joins_voice(here.lounge)
            async with bare_client(here.server, here.ticket) as second:
                await second.resume(seen)
                await second.expect(Op.RESUMED)
                missed = await second.expect(Op.CLIENTS_CONNECT)
                assert missed == {"user_ids": [str(bob.user.id)]}
                bob.voice.sends(b"still there")
                assert (await client.receive()).frame == b"still there"
        assert here.server.resumed == 1


async def test_a_session_that_ended_cannot_be_resumed():
    async with desk() as here:
        async with bare_client(here.server, here.ticket) as client:
            await client.enters(XCHACHA)
            here.server.dismiss(here.ticket.user_id, Close.SESSION_INVALID)
            assert await client.closed_with() == Close.SESSION_INVALID
        async with bare_client(here.server, here.ticket) as client:
            await client.resume(-1)
            assert await client.closed_with() == Close.SESSION_INVALID


async def reuse_nonces(mode: str) -> None:
    async with desk() as here, bare_client(here.server, here.ticket) as client:
        here.town.alice.joins_voice(here.lounge)
        await client.enters(mode)
        await announce(client)
        session = here.server.sessions[here.ticket.user_id]
        await eventually(lambda: session.has_announced_itself)
        client.sends(1, SILENCE, counter=4)
        client.sends(1, SILENCE, counter=4)
        await eventually(lambda: session.opened_packets == 2)
        assert session.problems == []
        client.sends(2, b"one", counter=5)
        client.sends(3, b"other", counter=5)
        await eventually(lambda: session.problems)


@MODES
async def test_a_reused_nonce_is_a_breach_and_a_repeated_packet_is_not(mode):
    with pytest.raises(AssertionError, match="nonce 5 was used twice"):
        await reuse_nonces(mode)


async def send_what_is_not_allowed() -> None:
    async with desk() as here, bare_client(here.server, here.ticket) as client:
        alice = here.town.alice
        alice.joins_voice(here.lounge)
        await client.enters(AES_GCM)
        session = here.server.sessions[here.ticket.user_id]
        for number in range(10):
            client.sends(number, b"early")
        await eventually(lambda: session.problems)
        await announce(client)
        await eventually(lambda: session.has_announced_itself)
        client.ssrc += 1
        client.sends(10, b"not mine")
        await eventually(lambda: len(session.problems) == 2)
        assert len(alice.voice.recorder.heard) == 10


async def test_much_sound_without_op_5_and_any_under_another_ssrc_are_breaches():
    with pytest.raises(AssertionError, match=r"without op 5\n.*another's ssrc"):
        await send_what_is_not_allowed()


async def test_packets_sealed_with_another_key_or_cut_short_are_dropped():
    async with desk() as here, bare_client(here.server, here.ticket) as client:
        await client.enters(XCHACHA)
        await announce(client)
        session = here.server.sessions[here.ticket.user_id]
        client.udp.send(bytes([0x80, 0x78]) + bytes(40))
        client.udp.send(bytes([0x80, 200]) + bytes(40))
        client.udp.send(bytes([0x90, 0x78]) + bytes(8))
        await eventually(lambda: session.unreadable == 3)
        assert session.opened_packets == 0
