"""One client's dialogue with the gateway: heartbeats, IDENTIFY, RESUME and requests.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from aiohttp import WSMessage, WSMsgType

from tests.discord_standin.actions.presences import presence_in, show
from tests.discord_standin.connection import Connection
from tests.discord_standin.intents import KNOWN, PRIVILEGED, Intent
from tests.discord_standin.payloads.guilds import members_chunks, presences_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.sessions import Session

if TYPE_CHECKING:
    from tests.discord_standin.gateway import Gateway

_HEARTBEAT, _IDENTIFY, _PRESENCE, _VOICE, _RESUME, _MEMBERS = 1, 2, 3, 4, 6, 8
_INVALID_SESSION, _HELLO, _ACK = 9, 10, 11
_WAY_THERE_AND_BACK: Final = 0.005
_FAREWELLS: Final = (1000, 1001)
"""With these a client gives its session up."""
_MISSED_BEATS: Final = 1.5
_SHORTEST_WAIT_SECONDS: Final = 0.001
"""For aiohttp, zero means for ever."""


class Goodbye(Exception):  # noqa: N818  what a close code says is not always an error
    """The connection ends with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Dialogue:
    """Takes what one client sends; a breach of protocol ends it with Discord's close code."""

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self._gateway = gateway
        self._connection = connection

    async def hold(self) -> None:
        """Talk until either side closes."""
        if self._connection.socket.closed:
            return
        interval = int(self._gateway.heartbeat_seconds * 1000)
        with contextlib.suppress(ConnectionError):
            try:
                await self._connection.send(
                    {"op": _HELLO, "s": None, "t": None, "d": {"heartbeat_interval": interval}}
                )
                await self._read()
            except Goodbye as goodbye:
                await self._connection.close(goodbye.code, goodbye.reason)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        patience = self._gateway.heartbeat_seconds * _MISSED_BEATS
        deadline = loop.time() + patience
        while True:
            try:
                message = await self._connection.socket.receive(
                    timeout=max(_SHORTEST_WAIT_SECONDS, deadline - loop.time())
                )
            except TimeoutError:
                raise Goodbye(4009, "Session timed out.") from None
            if (
                message.type is WSMsgType.CLOSE
                and message.data in _FAREWELLS
                and self._connection.session
            ):
                self._gateway.sessions.pop(self._connection.session.id, None)
                self._gateway.voice.hang_up(self._connection.session)
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            frame = _frame_of(message)
            if frame["op"] == _HEARTBEAT:
                deadline = loop.time() + patience
            await self._take(frame["op"], frame.get("d"))
            self._gateway.changes.notify()

    async def _take(self, op: int, data: Any) -> None:
        if op == _HEARTBEAT:
            self._connection.heartbeats += 1
            if not self._gateway.faults.mute_acks:
                # A network is never quicker than a client notes that it has sent a heartbeat.
                await asyncio.sleep(_WAY_THERE_AND_BACK)
                await self._connection.send({"op": _ACK, "d": None})
            return
        if self._connection.is_flooding():
            raise Goodbye(4008, "You are being rate limited.")
        if op in (_IDENTIFY, _RESUME):
            if self._connection.session is not None:
                raise Goodbye(4005, "Already authenticated.")
            await (self._identify if op == _IDENTIFY else self._resume)(data)
            return
        if op not in (_PRESENCE, _VOICE, _MEMBERS):
            raise Goodbye(4001, "Unknown opcode.")
        if self._connection.session is None:
            raise Goodbye(4003, "Not authenticated.")
        self._take_request(self._connection.session, op, data)

    def _take_request(self, session: Session, op: int, data: Any) -> None:
        if op == _PRESENCE:
            session.presence = data
            show(self._gateway, session.bot.user, presence_in(data))
        if op == _VOICE:
            self._gateway.voice.take_request(session, data)
        if op == _MEMBERS:
            self._tell_members(session, data)

    async def _identify(self, data: Json) -> None:
        bot = self._gateway.world.bots.get(str(data.get("token", "")).removeprefix("Bot "))
        if bot is None:
            raise Goodbye(4004, "Authentication failed.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN:
            raise Goodbye(4013, "Invalid intent(s).")
        if intents & PRIVILEGED & ~bot.privileged:
            raise Goodbye(4014, "Disallowed intent(s).")
        shard, shards = data.get("shard") or (0, 1)
        if not 0 <= shard < shards:
            raise Goodbye(4010, "Invalid shard.")
        self._gateway.identified += 1
        session = Session(
            id=f"{self._gateway.world.ids.next():032x}",
            bot=bot,
            intents=intents,
            shard=(shard, shards),
            log=deque(maxlen=self._gateway.replay_limit),
            large_threshold=int(data.get("large_threshold") or 50),
            presence=data.get("presence") or {},
        )
        show(self._gateway, bot.user, presence_in(session.presence))
        self._gateway.remember(session)
        self._gateway.welcome(session)
        self._connection.compresses_large = data.get("compress") is True
        self._connection.attach(session, sent=0)

    async def _resume(self, data: Json) -> None:
        session = self._gateway.sessions.get(str(data.get("session_id")))
        sequence = int(data.get("seq") or 0)
        known = session is not None and session.bot.token == data.get("token")
        if self._gateway.faults.take_refused_resume():
            self._gateway.sessions.pop(str(data.get("session_id")), None)
            known = False
        if session is None or not known:
            await self._connection.send({"op": _INVALID_SESSION, "d": False})
            return
        if sequence > session.sequence:
            raise Goodbye(4007, "Invalid seq.")
        if not session.has_all_since(sequence):
            del self._gateway.sessions[session.id]
            await self._connection.send({"op": _INVALID_SESSION, "d": False})
            return
        for other in self._gateway.connections:
            if other.session is session:
                other.session = None
                other.cut()
        self._gateway.resumed += 1
        session.tell("RESUMED", {"_trace": []})
        self._connection.attach(session, sent=sequence)

    def _tell_members(self, session: Session, data: Json) -> None:
        guild = self._gateway.world.guilds[int(data["guild_id"])]
        view = View(self._gateway.world, self._gateway.cdn, session.bot.user.id)
        wanted = data.get("user_ids")
        missing: list[str] = []
        if wanted is not None:
            ids = [int(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
            members = [guild.members[each] for each in ids if each in guild.members]
            missing = [str(each) for each in ids if each not in guild.members]
        else:
            limit = int(data.get("limit") or 0)
            members = list(self._gateway.world.find_users(guild, data.get("query") or "", limit))
        for chunk in members_chunks(view, guild, members):
            if wanted is not None:
                chunk["not_found"] = missing
            if data.get("presences") and session.intents & Intent.GUILD_PRESENCES:
                shown = [guild.members[int(each["user"]["id"])] for each in chunk["members"]]
                chunk["presences"] = presences_json(self._gateway.world, shown)
            if data.get("nonce"):
                chunk["nonce"] = data["nonce"]
            session.tell("GUILD_MEMBERS_CHUNK", chunk)


def _frame_of(message: WSMessage) -> Json:
    try:
        frame = json.loads(message.data)
    except ValueError:
        raise Goodbye(4002, "Error while decoding payload.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("op"), int):
        raise Goodbye(4002, "Error while decoding payload.")
    return frame
