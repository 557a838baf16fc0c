"""Drops, resumes, reconnects and lost events, as discord.py meets them; the wire as others do."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest

from tests.discord_standin.changes import Changes
from tests.discord_standin.faults import EventFault
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.scene import Scene, living, scene


class Witness(discord.Client):
    """Keeps what it hears, in order."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), guild_ready_timeout=0.1)
        self.heard: list[str] = []
        self._changes = Changes()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Skip the five seconds between sessions."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message.content)
        self._changes.notify()

    async def hears(self, count: int) -> list[str]:
        await self._changes.until(lambda: len(self.heard) >= count, seconds=20)
        return self.heard


@asynccontextmanager
async def witnessed(**options: Any) -> AsyncIterator[tuple[Scene, Witness]]:
    async with scene(**options) as town:
        client = Witness()
        async with living(client, town.standin, town.bot):
            yield town, client


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4009, None])
async def test_nothing_is_lost_or_doubled_over_a_drop(code: int | None):
    async with witnessed() as (town, client):
        town.alice.says(town.general, "before")
        await client.hears(1)
        if code is None:
            town.standin.gateway.cut()
        else:
            await town.standin.gateway.disconnect(code)
        town.alice.says(town.general, "meanwhile")
        assert await client.hears(2) == ["before", "meanwhile"]
        town.alice.says(town.general, "after")
        assert await client.hears(3) == ["before", "meanwhile", "after"]
        assert (town.standin.gateway.identified, town.standin.gateway.resumed) == (1, 1)


async def test_fifty_drops_lose_none_of_a_hundred_messages():
    async with witnessed() as (town, client):
        for number in range(100):
            town.alice.says(town.general, str(number))
            if number % 2:
                town.standin.gateway.cut()
                await town.until(lambda: town.standin.gateway.resumed > number // 2)  # noqa: B023  awaited here
        assert await client.hears(100) == [str(number) for number in range(100)]


async def test_asked_to_reconnect_it_resumes():
    async with witnessed() as (town, client):
        await town.standin.gateway.ask_to_reconnect()
        await town.until(lambda: town.standin.gateway.resumed == 1)
        town.alice.says(town.general, "still there?")
        assert await client.hears(1) == ["still there?"]


async def test_session_that_is_gone_is_begun_anew():
    async with witnessed() as (town, client):
        town.standin.faults.refused_resumes = 1
        town.standin.gateway.cut()
        await town.until(lambda: town.standin.gateway.identified == 2)
        town.alice.says(town.general, "anew")
        assert await client.hears(1) == ["anew"]
        assert town.standin.gateway.resumed == 0


async def test_invalid_session_is_begun_anew():
    async with witnessed() as (town, client):
        await town.standin.gateway.invalidate(resumable=False)
        await town.until(lambda: town.standin.gateway.identified == 2)
        town.alice.says(town.general, "anew")
        assert await client.hears(1) == ["anew"]


async def test_replay_that_is_too_long_ends_the_session():
    async with witnessed(replay_limit=20) as (town, client):
        town.standin.faults.refused_connections = 1
        town.standin.gateway.cut()
        await town.until(lambda: not town.standin.gateway.connections)
        for number in range(30):
            town.alice.says(town.general, str(number))
        await town.until(lambda: town.standin.gateway.identified == 2)
        assert client.heard == []


async def test_event_faults_lose_double_and_delay():
    async with witnessed() as (town, client):
        faults = town.standin.faults.events
        faults.append(EventFault(event="MESSAGE_CREATE", drop=True))
        town.alice.says(town.general, "lost")
        await town.until(lambda: not faults)
        faults.append(EventFault(event="MESSAGE_CREATE", duplicate=True))
        town.alice.says(town.general, "twice")
        assert await client.hears(2) == ["twice", "twice"]
        faults.append(EventFault(event="MESSAGE_CREATE", delay=0.2))
        town.alice.says(town.general, "late")
        await asyncio.sleep(0.1)
        assert len(client.heard) == 2
        assert (await client.hears(3))[-1] == "late"


async def test_presence_is_told():
    async with witnessed() as (town, client):
        await client.change_presence(status=discord.Status.idle)
        (session,) = town.standin.gateway.sessions.values()
        await town.until(lambda: session.presence.get("status") == "idle")


async def test_heartbeats_are_answered_and_a_silent_client_is_closed():
    async with scene(heartbeat_seconds=0.2) as town, aiohttp.ClientSession() as session:
        async with living(Witness(), town.standin, town.bot):
            (connection,) = town.standin.gateway.connections
            await asyncio.sleep(0.7)
            assert connection.heartbeats >= 3
            assert not connection.socket.closed
        async with session.ws_connect(town.standin.gateway.url) as silent:
            assert (await silent.receive_json())["op"] == 10
            assert (await silent.receive(timeout=2)).type is aiohttp.WSMsgType.CLOSE
            assert silent.close_code == 4009


async def test_one_deflate_context_spans_the_whole_connection():
    async with scene() as town, aiohttp.ClientSession() as session:
        inflate = zlib.decompressobj()

        async def receive(socket: aiohttp.ClientWebSocketResponse) -> Json:
            data = await socket.receive_bytes()
            assert data.endswith(b"\x00\x00\xff\xff")
            found: Json = json.loads(inflate.decompress(data))
            return found

        url = f"{town.standin.gateway.url}?v=10&encoding=json&compress=zlib-stream"
        async with session.ws_connect(url) as socket:
            assert (await receive(socket))["op"] == 10
            await socket.send_json(_identify(town.bot.token))
            assert (await receive(socket))["t"] == "READY"
            assert (await receive(socket))["t"] == "GUILD_CREATE"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 99, "d": None}, 4001),
        ("no json", 4002),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 2, "d": {"token": "x.y.z", "intents": 0}}, 4004),
        ({"op": 2, "d": {"token": "TOKEN", "intents": 0, "shard": [3, 2]}}, 4010),
        ({"op": 2, "d": {"token": "TOKEN", "intents": 1 << 60}}, 4013),
        ({"op": 2, "d": {"token": "TOKEN", "intents": 1 << 15}}, 4014),
    ],
)
async def test_bad_frames_are_closed_with_their_code(frame: Any, code: int):
    async with scene() as town, aiohttp.ClientSession() as session:
        town.bot.privileged = 0
        async with session.ws_connect(town.standin.gateway.url) as socket:
            await socket.receive_json()
            await socket.send_str(json.dumps(frame).replace("TOKEN", town.bot.token))
            while not socket.closed:
                await socket.receive(timeout=2)
            assert socket.close_code == code


async def test_identifying_twice_and_resuming_from_the_future_are_refused():
    async with scene() as town, aiohttp.ClientSession() as session:
        async with session.ws_connect(town.standin.gateway.url) as socket:
            await socket.receive_json()
            await socket.send_json(_identify(town.bot.token))
            ready = await socket.receive_json()
            await socket.send_json(_identify(town.bot.token))
            while not socket.closed:
                await socket.receive(timeout=2)
            assert socket.close_code == 4005
        async with session.ws_connect(ready["d"]["resume_gateway_url"]) as socket:
            await socket.receive_json()
            resume = {"token": town.bot.token, "session_id": ready["d"]["session_id"], "seq": 99}
            await socket.send_json({"op": 6, "d": resume})
            await socket.receive(timeout=2)
            assert socket.close_code == 4007


def _identify(token: str) -> Json:
    return {"op": 2, "d": {"token": token, "intents": 513, "properties": {}}}


async def test_large_frames_are_compressed_for_who_asks_and_old_versions_are_refused():
    async with scene() as town, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{town.standin.gateway.url}?v=10&encoding=json") as socket:
            assert json.loads((await socket.receive()).data)["op"] == 10
            identity = {"token": town.bot.token, "intents": 1, "compress": True, "properties": {}}
            await socket.send_json({"op": 2, "d": identity})
            ready = await socket.receive()
            assert isinstance(ready.data, bytes)
            assert json.loads(zlib.decompress(ready.data))["t"] == "READY"
        async with session.ws_connect(f"{town.standin.gateway.url}?v=6") as socket:
            assert (await socket.receive()).data == 4012
