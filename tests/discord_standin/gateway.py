"""Discord's gateway v10: sessions, heartbeats, resuming, and events to those who may hear them.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from tests.discord_standin.changes import Changes
from tests.discord_standin.connection import Connection
from tests.discord_standin.dialogue import Dialogue
from tests.discord_standin.entities import Bot, Channel
from tests.discord_standin.faults import Faults
from tests.discord_standin.intents import Intent
from tests.discord_standin.payloads.guilds import guild_create_json
from tests.discord_standin.payloads.users import application_json, self_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.sessions import Session
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.switchboard import Switchboard
from tests.discord_standin.world import World

_RECONNECT, _INVALID_SESSION = 7, 9
_MOST_SESSIONS: Final = 100
_VERSIONS: Final = ("9", "10")


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
        voice: VoiceSettings | None = None,
    ) -> None:
        self.url = ""
        self.cdn = ""
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identified = 0
        self.resumed = 0
        self.world = world
        self.changes = changes
        self.faults = faults
        self.heartbeat_seconds = heartbeat_seconds
        self.replay_limit = replay_limit
        self.recommended_shards = 1
        self.voice = Switchboard(self, voice)

    def tell(
        self,
        event: str,
        build: Callable[[View], Json],
        *,
        guild_id: int | None = None,
        channel: Channel | None = None,
        only: int | None = None,
        to: Callable[[Session], bool] | None = None,
    ) -> None:
        """Tell an event to every session that may see the channel and asked for such events.

        Args:
            event: Its name, such as ``MESSAGE_CREATE``.
            build: Makes the payload for one viewer.
            guild_id: Where it happened; ``channel`` names its own guild.
            channel: Only bots that see it are told.
            only: The application that alone is told.
            to: Picks among the sessions that would be told.
        """
        where = channel.guild_id if channel else guild_id
        for session in self.sessions.values():
            bot = session.bot
            if only not in (None, bot.application_id) or (to and not to(session)):
                continue
            if session.hears(event, where) and self._may_see(bot, where, channel):
                session.tell(event, build(View(self.world, self.cdn, bot.user.id)))
        self.changes.notify()

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
            if not resumable:
                connection.session = None
            await connection.send({"op": _INVALID_SESSION, "d": resumable})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from HELLO to its close."""
        if self.faults.take_refused_connection():
            return web.Response(status=503)
        query = request.query
        if query.get("compress") == "zstd-stream" or query.get("encoding") == "etf":
            return web.Response(status=501, text="The stand-in speaks JSON, plain or zlib-stream.")
        socket = web.WebSocketResponse(max_msg_size=4096 * 16)
        await socket.prepare(request)
        if query.get("v", "10") not in _VERSIONS:
            await socket.close(code=4012, message=b"Invalid API version.")
            return socket
        connection = Connection(request, socket, faults=self.faults, changes=self.changes)
        self.connections.append(connection)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(connection.write())
                try:
                    await Dialogue(self, connection).hold()
                finally:
                    writer.cancel()
        finally:
            self.connections.remove(connection)
            self._detach(connection)
        return socket

    def remember(self, session: Session) -> None:
        """Keep a new session, forgetting the oldest lost one past the limit."""
        self.sessions[session.id] = session
        if len(self.sessions) > _MOST_SESSIONS:
            oldest = next(key for key, each in self.sessions.items() if not each.connected)
            del self.sessions[oldest]

    def welcome(self, session: Session) -> None:
        """Tell a new session who it is and which guilds it is in."""
        bot = session.bot
        view = View(self.world, self.cdn, bot.user.id)
        guilds = [
            guild
            for guild in self.world.guilds.values()
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

    def _detach(self, connection: Connection) -> None:
        if connection.session is not None:
            connection.session.connected = False
        self.changes.notify()

    def _may_see(self, bot: Bot, guild_id: int | None, channel: Channel | None) -> bool:
        if channel is not None:
            return bool(granted(self.world, bot.user.id, channel) & Permission.VIEW_CHANNEL)
        guild = self.world.guilds.get(guild_id or 0)
        return guild is None or bot.user.id in guild.members


def guild_create_for(session: Session, view: View, guild_id: int, *, joined: bool = False) -> Json:
    """Return GUILD_CREATE in the size the session asked for.

    Clients take a guild they just joined from one they knew before by ``unavailable``, which is
    told only of the latter.
    """
    told = guild_create_json(
        view,
        view.world.guilds[guild_id],
        large_threshold=session.large_threshold,
        all_members=bool(session.intents & (Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES)),
        presences=bool(session.intents & Intent.GUILD_PRESENCES),
    )
    return told if joined else told | {"unavailable": False}
