"""Keeps one voice connection up, by one task that nothing but leaving ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import davey
import discord
from discord.utils import MISSING
from discord.voice_state import ConnectionFlowState as Flow
from discord.voice_state import VoiceConnectionState

from frontends.discord.voice.attendance import Attendance
from frontends.discord.voice.news import Bell, News
from frontends.discord.voice.persistence import Ending
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
_FAREWELL_SECONDS, _LEAVING_SECONDS = 1.0, 3.0
_NORMAL, _RESUMABLE = 1000, 4000


class VoiceConnection(VoiceConnectionState):
    """Joins, follows the call wherever it is moved, and comes back after whatever goes wrong.

    One task goes from connection to connection until the bot leaves, is removed, or could not get
    in for three minutes. ``speakers`` is who is there. ``begins`` is called before each new
    session, ``ended`` once, with the reason, which ``ending`` then is; ``passed_on`` in the
    reader's thread, when the listeners were called with all datagrams that were there.
    """

    voice_client: CallClient
    ws: VoiceSocket

    def __init__(self, voice_client: CallClient) -> None:
        super().__init__(voice_client)
        self.speakers = Speakers()
        self.external_sender: bytes | None = None
        """Who may propose changes of the group, as op 25 last told."""
        self.sessions = 0
        self.resumptions = 0
        self.begins: Callable[[], None] = lambda: None
        self.passed_on: Callable[[], None] = lambda: None
        self.ended: Callable[[Ending], None] = lambda _: None
        self._news = News()
        self._bell = Bell()
        self._attendance = Attendance(self._news, self._bell, voice_client.loop.time)
        self._cooldown = Cooldown()
        self._supervisor = Supervisor()
        self._listeners: list[Callable[[bytes], Any]] = []
        self._was_inside = False
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
    def ending(self) -> Ending | None:
        """Why it is over; ``None`` until it is."""
        return self._attendance.ending

    async def voice_state_update(self, data: Any) -> None:  # noqa: ANN401  JSON
        """Take where the bot is, as the main gateway says."""
        if data["channel_id"] is None:
            self._disconnected.set()
            if self._expecting_disconnect:
                self._expecting_disconnect = False
            elif self._was_inside:  # else it concerns a connection before this one
                self._attendance.end(Ending.REMOVED)
            self._bell.ring()
            return
        channel = self.guild.get_channel(int(data["channel_id"]))
        if channel is None:
            self._attendance.end(Ending.GONE)
            return
        self._expecting_disconnect = False
        self._was_inside = True
        self.session_id = data["session_id"]
        self.voice_client.channel = channel  # type: ignore[assignment]
        self._news.take_state(data["session_id"], channel.id)
        self._attendance.follow()

    async def voice_server_update(self, data: Any) -> None:  # noqa: ANN401  JSON
        """Take where the call is; no endpoint means that it is nowhere for a while."""
        self.token, self.server_id = data["token"], int(data["guild_id"])
        endpoint = data.get("endpoint")
        if endpoint:
            self.endpoint = endpoint.removeprefix("wss://")
        self._news.take_server(self.token, endpoint and self.endpoint, self._now())
        self._attendance.follow()

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
        self._attendance.end(Ending.LEFT)
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
            used = self._news.used
            return self.is_connected() and used is not None and used.channel_id == wanted

        if not await self._bell.until(lambda: is_there() or self._attendance.over, timeout):
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
        await self._attendance.run(self)
        await self._finish()

    async def join(self) -> None:
        """Ask the main gateway where the call is; if it does not say, leave and ask again.

        Raises:
            TimeoutError: it says nothing.
        """
        if not self._place_exists():
            self._attendance.end(Ending.GONE)
            return
        for anew in (False, True):
            if anew:
                self._expecting_disconnect = True
                await self.guild.change_voice_state(channel=None)
            self._news.forget()
            self.state = Flow.set_guild_voice_state
            await self._ask_for(self.voice_client.channel)
            if await self._bell.until(self._knows_more, _ANSWER_SECONDS):
                return
        raise TimeoutError("the main gateway does not answer")  # noqa: TRY003

    def _knows_more(self) -> bool:
        return self._news.ticket is not None or self._attendance.over

    async def resume(self) -> None:
        """Go on with the session there is; ``sessions`` stays as it is."""
        self.ws = await self._connect_websocket(resume=True)
        while not self.ws.resumed:
            await self.ws.poll_event()
        self.resumptions += 1

    async def identify(self) -> None:
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

    def established(self) -> None:
        """Take note that sound can go both ways."""
        self.state = Flow.connected
        if not self._first.done():
            self._first.set_result(None)

    async def listen(self) -> None:
        """Take the next frame of the voice server."""
        await self.ws.poll_event()

    async def hang_up(self) -> None:
        """Close the connection to the voice server; a dead one is not waited for."""
        if self.ws is MISSING:
            return
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.ws.close(_NORMAL if self._attendance.over else _RESUMABLE)
        except Exception:
            logger.debug("the voice server did not hear the goodbye", exc_info=True)

    async def _connect_websocket(self, resume: bool) -> VoiceSocket:  # noqa: FBT001  discord.py's
        ws = await VoiceSocket.from_connection_state(
            self, resume=resume, hook=self.hook, seq_ack=self.ws.seq_ack if resume else -1
        )
        self.state = Flow.websocket_connected
        return ws

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
            await self.hang_up()
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
            refusal = self._attendance.refusal
            self._first.set_exception(refusal or TimeoutError("the call is over"))
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

    def _shut_datagrams(self) -> None:
        if self.socket is not MISSING:
            self.socket.close()

    def _need_reader(self) -> None:
        """Let a thread of our own read, and another one where it died."""
        reader = self._socket_reader
        if isinstance(reader, DatagramReader) and reader.reading:
            return
        reader.stop()
        self._socket_reader = DatagramReader(self, passed_on=lambda: self.passed_on())
        self._socket_reader.start()
        for callback in self._listeners:
            self._socket_reader.register(callback)
