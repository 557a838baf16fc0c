"""Discord's gateway v10: sessions, heartbeats, resuming, and events to those who may hear them.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from aiohttp import WSMessage, WSMsgType, web

from tests.discord_standin.changes import Changes
from tests.discord_standin.connection import Connection
from tests.discord_standin.faults import Faults
from tests.discord_standin.intents import KNOWN, PRIVILEGED, Intent
from tests.discord_standin.payloads.guilds import guild_create_json
from tests.discord_standin.payloads.users import application_json, member_json, self_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.sessions import Session
from tests.discord_standin.world import Bot, Channel, World

_HEARTBEAT, _IDENTIFY, _PRESENCE, _VOICE, _RESUME, _MEMBERS = 1, 2, 3, 4, 6, 8
_RECONNECT, _INVALID_SESSION, _HELLO, _ACK = 7, 9, 10, 11
_CHUNK: Final = 1_000
_FAREWELLS: Final = (1000, 1001)
"""With these a client gives its session up."""
_MISSED_BEATS: Final = 1.5
_MOST_SESSIONS: Final = 100


class Goodbye(Exception):  # noqa: N818  what a close code says is not always an error
    """The connection ends with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gateway:
    """Accepts connections and tells events; ``url`` and ``cdn`` are set once it listens."""

    def __init__(
        self,
        world: World,
        changes: Changes,
        faults: Faults,
        *,
        heartbeat_seconds: float = 41.25,
        replay_limit: int = 10_000,
    ) -> None:
        self.url = ""
        self.cdn = ""
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identified = 0
        self.resumed = 0
        self._world = world
        self._changes = changes
        self._faults = faults
        self._heartbeat_seconds = heartbeat_seconds
        self._replay_limit = replay_limit

    def tell(
        self,
        event: str,
        build: Callable[[View], Json],
        *,
        guild_id: int | None = None,
        channel: Channel | None = None,
        only: int | None = None,
    ) -> None:
        """Tell an event to every session that may see the channel and asked for such events.

        Args:
            event: Its name, such as ``MESSAGE_CREATE``.
            build: Makes the payload for one viewer.
            guild_id: Where it happened; ``channel`` names its own guild.
            channel: Only bots that see it are told.
            only: The application that alone is told.
        """
        where = channel.guild_id if channel else guild_id
        for session in self.sessions.values():
            bot = session.bot
            if only is not None and bot.application_id != only:
                continue
            if session.hears(event, where) and self._may_see(bot, where, channel):
                session.tell(event, build(View(self._world, self.cdn, bot.user.id)))
        self._changes.notify()

    async def disconnect(self, code: int) -> None:
        """Close every connection with ``code``; sessions stay resumable."""
        for connection in list(self.connections):
            await connection.close(code)

    def cut(self) -> None:
        """Break every connection off without a close frame."""
        for connection in list(self.connections):
            connection.cut()

    async def ask_to_reconnect(self) -> None:
        """Send RECONNECT to every connection."""
        for connection in list(self.connections):
            await connection.send({"op": _RECONNECT, "d": None})

    async def invalidate(self, *, resumable: bool) -> None:
        """Send INVALID_SESSION to every connection; unless resumable, forget the sessions."""
        if not resumable:
            self.sessions.clear()
        for connection in list(self.connections):
            await connection.send({"op": _INVALID_SESSION, "d": resumable})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from HELLO to its close."""
        if self._faults.take_refused_connection():
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=4096 * 16)
        await socket.prepare(request)
        connection = Connection(request, socket, self._faults)
        self.connections.append(connection)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(connection.write())
                try:
                    await self._converse(connection)
                finally:
                    writer.cancel()
        finally:
            self.connections.remove(connection)
            self._detach(connection)
        return socket

    async def _converse(self, connection: Connection) -> None:
        if connection.socket.closed:
            return
        interval = int(self._heartbeat_seconds * 1000)
        with contextlib.suppress(ConnectionError):
            try:
                await connection.send(
                    {"op": _HELLO, "s": None, "t": None, "d": {"heartbeat_interval": interval}}
                )
                await self._read(connection)
            except Goodbye as goodbye:
                await connection.close(goodbye.code, goodbye.reason)

    async def _read(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        patience = self._heartbeat_seconds * _MISSED_BEATS
        deadline = loop.time() + patience
        while True:
            try:
                message = await connection.socket.receive(timeout=max(0.0, deadline - loop.time()))
            except TimeoutError:
                raise Goodbye(4009, "Session timed out.") from None
            if (
                message.type is WSMsgType.CLOSE
                and message.data in _FAREWELLS
                and connection.session
            ):
                self.sessions.pop(connection.session.id, None)
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            frame = _frame_of(message)
            if frame["op"] == _HEARTBEAT:
                deadline = loop.time() + patience
            await self._take(connection, frame["op"], frame.get("d"))
            self._changes.notify()

    async def _take(self, connection: Connection, op: int, data: Any) -> None:
        if op == _HEARTBEAT:
            connection.heartbeats += 1
            if not self._faults.mute_acks:
                await connection.send({"op": _ACK, "d": None})
            return
        if connection.is_flooding():
            raise Goodbye(4008, "You are being rate limited.")
        if op in (_IDENTIFY, _RESUME):
            if connection.session is not None:
                raise Goodbye(4005, "Already authenticated.")
            await (self._identify if op == _IDENTIFY else self._resume)(connection, data)
            return
        if op not in (_PRESENCE, _VOICE, _MEMBERS):
            raise Goodbye(4001, "Unknown opcode.")
        if connection.session is None:
            raise Goodbye(4003, "Not authenticated.")
        if op == _PRESENCE:
            connection.session.presence = data
        if op == _MEMBERS:
            self._tell_members(connection.session, data)

    async def _identify(self, connection: Connection, data: Json) -> None:
        bot = self._world.bots.get(str(data.get("token", "")).removeprefix("Bot "))
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
        self.identified += 1
        session = Session(
            id=f"{self._world.ids.next():032x}",
            bot=bot,
            intents=intents,
            shard=(shard, shards),
            log=deque(maxlen=self._replay_limit),
            large_threshold=int(data.get("large_threshold") or 50),
            presence=data.get("presence") or {},
        )
        self._remember(session)
        self._welcome(session)
        connection.attach(session, sent=0)

    def _remember(self, session: Session) -> None:
        self.sessions[session.id] = session
        if len(self.sessions) > _MOST_SESSIONS:
            oldest = next(key for key, each in self.sessions.items() if not each.connected)
            del self.sessions[oldest]

    def _welcome(self, session: Session) -> None:
        bot = session.bot
        view = View(self._world, self.cdn, bot.user.id)
        guilds = [
            guild
            for guild in self._world.guilds.values()
            if bot.user.id in guild.members and session.hears("", guild.id)
        ]
        application = application_json(view, bot)
        ready = {
            "v": 10,
            "user": self_json(bot.user),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": list(session.shard),
            "application": {"id": application["id"], "flags": application["flags"]},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
            "guild_join_requests": [],
        }
        session.tell("READY", ready)
        if session.intents & Intent.GUILDS:
            for guild in guilds:
                session.tell("GUILD_CREATE", guild_create_for(session, view, guild.id))

    async def _resume(self, connection: Connection, data: Json) -> None:
        session = self.sessions.get(str(data.get("session_id")))
        sequence = int(data.get("seq") or 0)
        known = session is not None and session.bot.token == data.get("token")
        if self._faults.take_refused_resume():
            self.sessions.pop(str(data.get("session_id")), None)
            known = False
        if session is None or not known:
            await connection.send({"op": _INVALID_SESSION, "d": False})
            return
        if sequence > session.sequence:
            raise Goodbye(4007, "Invalid seq.")
        if not session.has_all_since(sequence):
            del self.sessions[session.id]
            await connection.send({"op": _INVALID_SESSION, "d": False})
            return
        for other in self.connections:
            if other.session is session:
                other.session = None
                other.cut()
        self.resumed += 1
        session.tell("RESUMED", {"_trace": []})
        connection.attach(session, sent=sequence)

    def _detach(self, connection: Connection) -> None:
        if connection.session is not None:
            connection.session.connected = False
        self._changes.notify()

    def _may_see(self, bot: Bot, guild_id: int | None, channel: Channel | None) -> bool:
        if channel is not None:
            return bool(granted(self._world, bot.user.id, channel) & Permission.VIEW_CHANNEL)
        guild = self._world.guilds.get(guild_id or 0)
        return guild is None or bot.user.id in guild.members

    def _tell_members(self, session: Session, data: Json) -> None:
        guild = self._world.guilds[int(data["guild_id"])]
        view = View(self._world, self.cdn, session.bot.user.id)
        wanted = data.get("user_ids")
        missing: list[str] = []
        if wanted is not None:
            ids = [int(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
            members = [guild.members[each] for each in ids if each in guild.members]
            missing = [str(each) for each in ids if each not in guild.members]
        else:
            limit = int(data.get("limit") or 0)
            members = list(self._world.find_users(guild, data.get("query") or "", limit))
        chunks = [members[at : at + _CHUNK] for at in range(0, len(members), _CHUNK)] or [[]]
        for index, chunk in enumerate(chunks):
            told: Json = {
                "guild_id": str(guild.id),
                "members": [member_json(view, member) for member in chunk],
                "chunk_index": index,
                "chunk_count": len(chunks),
                "not_found": missing,
            }
            if data.get("presences"):
                told["presences"] = []
            if data.get("nonce"):
                told["nonce"] = data["nonce"]
            session.tell("GUILD_MEMBERS_CHUNK", told)


def guild_create_for(session: Session, view: View, guild_id: int) -> Json:
    """Return GUILD_CREATE in the size the session asked for."""
    return guild_create_json(
        view,
        view.world.guilds[guild_id],
        large_threshold=session.large_threshold,
        all_members=bool(session.intents & (Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES)),
    )


def _frame_of(message: WSMessage) -> Json:
    try:
        frame = json.loads(message.data)
    except ValueError:
        raise Goodbye(4002, "Error while decoding payload.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("op"), int):
        raise Goodbye(4002, "Error while decoding payload.")
    return frame
