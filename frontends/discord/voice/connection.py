"""Keeps one voice connection up, by one task that nothing but leaving ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import davey
import discord
from discord.errors import ConnectionClosed
from discord.utils import MISSING
from discord.voice_state import ConnectionFlowState as Flow
from discord.voice_state import VoiceConnectionState

from frontends.discord.voice.news import Bell, News
from frontends.discord.voice.persistence import Ending, Persistence, Way, way_after
from frontends.discord.voice.reader import DatagramReader
from frontends.discord.voice.recovery import Cooldown
from frontends.discord.voice.socket import VoiceSocket
from frontends.discord.voice.speakers import Speakers
from services.lifecycle import Supervisor

if TYPE_CHECKING:
    from frontends.discord.voice.client import CallClient

logger = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = 1.5
"""How long Discord may take to say where a call is before it is asked in another way."""
_NEWS_SECONDS: Final = 2.0
"""How long after a server dismissed the bot news of another server, or of the end, may come."""
_HANDSHAKE_SECONDS, _RESUME_SECONDS = 8.0, 3.0
_FAREWELL_SECONDS, _LEAVING_SECONDS = 1.0, 3.0
_NORMAL, _RESUMABLE = 1000, 4000


class VoiceConnection(VoiceConnectionState):
    """Joins, follows the call wherever it is moved, and comes back after whatever goes wrong.

    One task goes from connection to connection until the bot leaves, is removed, or could not get
    in for three minutes. ``speakers`` is who is there. ``begins`` is called before each new
    session, ``ended`` once, with the reason, which ``ending`` then is.
    """

    voice_client: CallClient
    ws: VoiceSocket

    def __init__(self, voice_client: CallClient) -> None:
        super().__init__(voice_client)
        self.speakers = Speakers()
        self.external_sender: bytes | None = None
        """Who may propose changes of the group, as op 25 last told."""
        self.ending: Ending | None = None
        self.sessions = 0
        self.resumptions = 0
        self.begins: Callable[[], None] = lambda: None
        self.ended: Callable[[Ending], None] = lambda _: None
        self._news = News()
        self._bell = Bell()
        self._cooldown = Cooldown()
        self._supervisor = Supervisor()
        self._listeners: list[Callable[[bytes], Any]] = []
        self._scope: asyncio.Timeout | None = None
        self._was_inside = False
        self._established_at: float | None = None
        self._first: asyncio.Future[None] = voice_client.loop.create_future()
        self._finished = False

    @property
    def state(self) -> Flow:
        """How far the connection is."""
        return self._state

    @state.setter
    def state(self, state: Flow) -> None:
        VoiceConnectionState.state.fset(self, state)  # type: ignore[attr-defined]
        self._bell.ring()

    @property
    def over(self) -> bool:
        """Whether no further connection is made."""
        return self.ending is not None

    async def voice_state_update(self, data: Any) -> None:  # noqa: ANN401  JSON
        """Take where the bot is, as the main gateway says."""
        if data["channel_id"] is None:
            self._disconnected.set()
            if self._expecting_disconnect:
                self._expecting_disconnect = False
            elif self._was_inside:  # else it concerns a connection before this one
                self._end(Ending.REMOVED)
            self._bell.ring()
            return
        channel = self.guild.get_channel(int(data["channel_id"]))
        if channel is None:
            self._end(Ending.GONE)
            return
        self._expecting_disconnect = False
        self._was_inside = True
        self.session_id = data["session_id"]
        self.voice_client.channel = channel  # type: ignore[assignment]
        self._news.take_state(data["session_id"], channel.id)
        self._follow_news()

    async def voice_server_update(self, data: Any) -> None:  # noqa: ANN401  JSON
        """Take where the call is; no endpoint means that it is nowhere for a while."""
        self.token, self.server_id = data["token"], int(data["guild_id"])
        endpoint = data.get("endpoint")
        if endpoint:
            self.endpoint = endpoint.removeprefix("wss://")
        self._news.take_server(self.token, endpoint and self.endpoint, self._now())
        self._follow_news()

    async def connect(
        self,
        *,
        reconnect: bool,
        timeout: float,
        self_deaf: bool,
        self_mute: bool,
        resume: bool,
        wait: bool = True,
    ) -> None:
        """Join, and stay until ``disconnect``, whatever ``reconnect`` and ``resume`` are.

        Raises:
            TimeoutError: it did not work out in time; nothing is tried any more.
            ConnectionClosed: the voice server refused, for good.
        """
        self.timeout, self.reconnect = timeout, reconnect
        self.self_deaf, self.self_mute = self_deaf, self_mute
        if self._runner is None:
            self._runner = self._supervisor.start("voice connection", self._run)
        if not wait:
            return
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._first)
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(
        self, *, force: bool = True, cleanup: bool = True, wait: bool = False
    ) -> None:
        """Leave, and try nothing any more; ``force`` and ``cleanup`` go without saying."""
        self.ending = self.ending or Ending.LEFT
        if self._runner is not None and not self._inside_runner():
            if not self._finished:
                self._runner.cancel()
            await asyncio.wait([self._runner])
        await self._finish(wait=wait)

    async def move_to(self, channel: discord.abc.Snowflake | None, timeout: float | None) -> None:
        """Go into another channel; ``None`` means to leave.

        Raises:
            TimeoutError: the bot is not there yet.
        """
        if channel is None:
            await self.disconnect(wait=True)
            return
        wanted = channel.id
        await self._ask_for(channel)

        def is_there() -> bool:
            return self.is_connected() and self.voice_client.channel.id == wanted

        if not await self._bell.until(lambda: is_there() or self.over, timeout):
            raise TimeoutError("the move did not happen")  # noqa: TRY003

    def start_recovery(self) -> None:
        """Ask for new keys, since nothing of somebody can be decrypted; not too often."""
        if self.is_connected() and self.can_encrypt and self._cooldown.allows(self._now()):
            logger.warning("frames cannot be decrypted; new keys are asked for")
            self._supervisor.start(
                "voice recovery",
                lambda: self._recover_from_invalid_commit(self.ws.last_transition),
            )

    def begin_encryption(self, version: int) -> bytes | None:
        """Begin to encrypt end to end; return the key package to send."""
        self.dave_protocol_version = version
        if version <= 0:
            return None
        session = davey.DaveSession(version, self.user.id, self.voice_client.channel.id)
        if self.external_sender is not None:
            session.set_external_sender(self.external_sender)
        self.dave_session = session
        return session.get_serialized_key_package()

    def add_socket_listener(self, callback: Callable[[bytes], Any]) -> None:
        """Call ``callback`` with each datagram, in the reader's thread."""
        self._listeners.append(callback)
        super().add_socket_listener(callback)

    def remove_socket_listener(self, callback: Callable[[bytes], Any]) -> None:
        """Call it no more."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(callback)
        super().remove_socket_listener(callback)

    async def _run(self) -> None:
        """Go from connection to connection."""
        way, persistence = Way.JOIN, Persistence(self._now())
        while not self.over:
            began, chosen = self._now(), way
            self._established_at = None
            try:
                way = await self._attend(chosen)
            except Exception:
                logger.exception("the voice connection failed; another is made")
                way = Way.JOIN
            finally:
                await self._close_socket()
            ended = self._now()
            persistence.note(chosen, began=began, established=self._established_at, ended=ended)
            way = persistence.tempered(way)
            if persistence.is_over(ended):
                self._end(Ending.GAVE_UP)
            await self._bell.until(lambda: self.over, persistence.pause)
        await self._finish()

    async def _attend(self, way: Way) -> Way:
        """Hold one connection until it ends, and return how to get the next."""
        try:
            if way is Way.JOIN:
                await self._join()
            async with asyncio.timeout(None) as self._scope:
                await self._talk(resume=way is Way.RESUME)
        except ConnectionClosed as error:
            logger.info("the voice server closed", extra={"close_code": error.code})
            found = way_after(error.code, established=self._established_at is not None)
            if found is Way.NONE:
                self._refuse(error)
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            found = self._after_break(way, error)
        else:
            found = Way.JOIN
        finally:
            self._scope = None
        return await self._next_server() if found is Way.AWAIT else found

    def _after_break(self, way: Way, error: Exception) -> Way:
        if self._scope is not None and self._scope.expired():
            return Way.AWAIT
        logger.info("the voice connection broke", extra={"error": type(error).__name__})
        if self._established_at is not None:
            return Way.RESUME
        return Way.JOIN if isinstance(error, TimeoutError) else way

    async def _join(self) -> None:
        """Ask the main gateway where the call is; if it does not say, leave and ask again.

        Raises:
            TimeoutError: it says nothing.
        """
        if not self._place_exists():
            self._end(Ending.GONE)
            return
        for anew in (False, True):
            if anew:
                self._expecting_disconnect = True
                await self.guild.change_voice_state(channel=None)
            self._news.forget()
            self.state = Flow.set_guild_voice_state
            await self._ask_for(self.voice_client.channel)
            if await self._bell.until(lambda: self._news.ticket or self.over, _ANSWER_SECONDS):
                return
        raise TimeoutError("the main gateway does not answer")  # noqa: TRY003

    async def _talk(self, *, resume: bool) -> None:
        """Connect to a voice server, and take what it says until it closes."""
        if self.over:
            return
        async with asyncio.timeout(_RESUME_SECONDS if resume else _HANDSHAKE_SECONDS) as patience:
            if resume:
                await self._resume()
            else:
                await self._identify()
            patience.reschedule(None)
        self.state = Flow.connected
        self._established_at = self._now()
        if not self._first.done():
            self._first.set_result(None)
        while True:
            await self.ws.poll_event()

    async def _resume(self) -> None:
        self.ws = await self._connect_websocket(resume=True)
        while not self.ws.resumed:
            await self.ws.poll_event()
        self.resumptions += 1

    async def _identify(self) -> None:
        """Begin a session, of which nothing is left from the one before."""
        self._news.used = self._news.ticket
        self.speakers.begin_anew()
        self.begins()
        self.dave_session = self.external_sender = None
        self.dave_protocol_version = 0
        self.dave_pending_transitions.clear()
        self.dave_downgraded = False
        self.ip = self.port = self.endpoint_ip = self.secret_key = MISSING
        self._shut_datagrams()
        self._need_reader()
        self._create_socket()
        self.ws = await self._connect_websocket(resume=False)
        await self._handshake_websocket()
        self.sessions += 1

    async def _connect_websocket(self, resume: bool) -> VoiceSocket:  # noqa: FBT001  discord.py's
        ws = await VoiceSocket.from_connection_state(
            self, resume=resume, hook=self.hook, seq_ack=self.ws.seq_ack if resume else -1
        )
        self.state = Flow.websocket_connected
        return ws

    async def _next_server(self) -> Way:
        """Wait for what the main gateway says of the call."""

        def is_clear() -> bool:
            return self.over or self._news.worth_trying(self._now())

        return Way.IDENTIFY if await self._bell.until(is_clear, _NEWS_SECONDS) else Way.JOIN

    def _follow_news(self) -> None:
        if self._news.changed:
            self._interrupt()
        self._bell.ring()

    def _refuse(self, error: ConnectionClosed) -> None:
        if not self._first.done():
            self._first.set_exception(error)
        self._end(Ending.REFUSED)

    def _end(self, ending: Ending) -> None:
        self.ending = self.ending or ending
        self._interrupt()
        self._bell.ring()

    def _interrupt(self) -> None:
        """Let the task stop talking to its voice server."""
        if self._scope is not None:
            with contextlib.suppress(RuntimeError):  # it just stopped by itself
                self._scope.reschedule(self._now())

    async def _wait_for_state(
        self, state: Flow, *other_states: Flow, timeout: float | None = None
    ) -> None:
        """Wait for one of some states; unlike discord.py's, it misses none that stays.

        Raises:
            TimeoutError: none came in time.
        """
        if not await self._bell.until(lambda: self.state in (state, *other_states), timeout):
            raise TimeoutError("the connection did not get so far")  # noqa: TRY003

    def _now(self) -> float:
        return self.voice_client.loop.time()

    async def _ask_for(self, channel: discord.abc.Snowflake) -> None:
        await self.guild.change_voice_state(
            channel=channel, self_deaf=self.self_deaf, self_mute=self.self_mute
        )

    def _place_exists(self) -> bool:
        channel = self.voice_client.channel
        guild = self.voice_client.client.get_guild(channel.guild.id)
        return guild is not None and guild.get_channel(channel.id) is not None

    async def _finish(self, *, wait: bool = False) -> None:
        """Let go of everything, once."""
        if self._finished:
            return
        self._finished = True
        try:
            if self.ending is Ending.LEFT:
                await self._say_goodbye(wait=wait and self._was_inside)
            await self._close_socket()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self.state = Flow.disconnected
        self._shut_datagrams()
        self._socket_reader.stop()
        self.voice_client.stop()
        self._connected.set()  # whoever waits for it is not kept
        self._connected.clear()
        self.voice_client.cleanup()
        if not self._first.done():
            self._first.set_exception(TimeoutError("the call is over"))
        self._first.exception()
        self.ended(self.ending or Ending.LEFT)

    async def _say_goodbye(self, *, wait: bool) -> None:
        self._was_inside = False
        self._expecting_disconnect = True
        self._disconnected.clear()
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.guild.change_voice_state(channel=None)
                if wait:
                    await self._disconnected.wait()
        except Exception:
            logger.debug("the main gateway did not hear the goodbye", exc_info=True)

    async def _close_socket(self) -> None:
        """Close the connection to the voice server; a dead one is not waited for."""
        if self.ws is MISSING:
            return
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.ws.close(_NORMAL if self.over else _RESUMABLE)
        except Exception:
            logger.debug("the voice server did not hear the goodbye", exc_info=True)

    def _shut_datagrams(self) -> None:
        if self.socket is not MISSING:
            self.socket.close()

    def _need_reader(self) -> None:
        """Let a thread of our own read, and another one where it died."""
        reader = self._socket_reader
        if isinstance(reader, DatagramReader) and reader.is_alive():
            return
        reader.stop()
        self._socket_reader = DatagramReader(self)
        self._socket_reader.start()
        for callback in self._listeners:
            self._socket_reader.register(callback)
