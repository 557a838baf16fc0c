"""The voice gateway as discord.py speaks it, with nothing left that a bad frame could end."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import davey
from discord import utils
from discord.errors import ConnectionClosed
from discord.gateway import DiscordVoiceWebSocket

if TYPE_CHECKING:
    from frontends.discord.voice.connection import VoiceConnection

logger = logging.getLogger(__name__)

Hook = Callable[..., Coroutine[Any, Any, Any]]

_SILENCE_SECONDS: Final = 15.0
"""Three heartbeats that were not answered: the connection is dead."""
_VIDEO: Final = 12
_DISCOVERY: Final = struct.Struct(">HHI64sH")
_ASKS, _ANSWERS, _ASKED_BYTES = 1, 2, 70
_DISCOVERY_TRIES: Final = 8
_DISCOVERY_SECONDS: Final = 0.5
_APPEND: Final = 0


class VoiceSocket(DiscordVoiceWebSocket):
    """One connection to a voice server; ``last_transition`` is the newest that was announced.

    What fails while a frame is taken is logged and forgotten, except where the connection cannot
    come about without it: that is raised from ``poll_event``.
    """

    _connection: VoiceConnection

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        loop: asyncio.AbstractEventLoop,
        *,
        hook: Hook | None = None,
    ) -> None:
        super().__init__(socket, loop, hook=None if hook is None else _harmless(hook))
        self.resumed = False
        self.last_transition = 0

    async def poll_event(self) -> None:
        """Take one frame.

        Raises:
            ConnectionClosed: the connection ended.
            TimeoutError: nothing came for 15 s.
        """
        async with asyncio.timeout(_SILENCE_SECONDS):
            message = await self.ws.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            await self.received_message(_read(message.data))
        elif message.type is aiohttp.WSMsgType.BINARY:
            await self.received_binary_message(message.data)
        else:
            raise ConnectionClosed(self.ws, shard_id=None, code=self._close_code)

    async def received_message(self, msg: Mapping[str, Any]) -> None:
        """Take a frame in JSON."""
        op = msg.get("op")
        try:
            await self._follow(op, msg)
        except Exception:
            if op in (self.READY, self.SESSION_DESCRIPTION, self.HELLO):
                raise
            logger.warning("a voice frame was ignored", exc_info=True, extra={"op": op})

    async def received_binary_message(self, msg: bytes) -> None:
        """Take a binary frame; all of them are about the encryption."""
        op = msg[2] if len(msg) > 2 else None
        try:
            await self._follow_bytes(op, msg)
        except Exception:
            logger.warning("a voice frame was ignored", exc_info=True, extra={"op": op})

    async def discover_ip(self) -> tuple[str, int]:
        """Ask how the server sees the socket, again and again: datagrams get lost.

        Raises:
            TimeoutError: there was no answer in four seconds.
        """
        state = self._connection
        answer: asyncio.Future[bytes] = self.loop.create_future()

        def settle(data: bytes) -> None:
            if not answer.done():
                answer.set_result(data)

        def listen(data: bytes) -> None:
            if len(data) == _DISCOVERY.size and int.from_bytes(data[:2]) == _ANSWERS:
                self.loop.call_soon_threadsafe(settle, data)

        state.add_socket_listener(listen)
        try:
            for _ in range(_DISCOVERY_TRIES):
                request = _DISCOVERY.pack(_ASKS, _ASKED_BYTES, state.ssrc, b"", 0)
                await self.loop.sock_sendall(state.socket, request)
                await asyncio.wait([answer], timeout=_DISCOVERY_SECONDS)
                if answer.done():
                    *_, host, port = _DISCOVERY.unpack(answer.result())
                    return host.partition(b"\0")[0].decode("ascii"), port
        finally:
            state.remove_socket_listener(listen)
        raise TimeoutError("no answer to IP discovery")  # noqa: TRY003

    async def _follow(self, op: object, msg: Mapping[str, Any]) -> None:
        if isinstance(msg.get("seq"), int):
            self.seq_ack = msg["seq"]
        data = msg["d"]
        self._note(op, data)
        if self._connection.dave_session is None and op in (
            self.DAVE_PREPARE_TRANSITION,
            self.DAVE_EXECUTE_TRANSITION,
            self.DAVE_PREPARE_EPOCH,
        ):
            await self._enter_encryption(op, data)
        else:
            await super().received_message({**msg, "seq": self.seq_ack})

    def _note(self, op: object, data: Any) -> None:  # noqa: ANN401  JSON
        """Note who is there, whose packets are whose, and where the encryption is."""
        speakers = self._connection.speakers
        if op == self.CLIENTS_CONNECT:
            speakers.joined(int(each) for each in data["user_ids"])
        elif op == self.CLIENT_DISCONNECT:
            speakers.left(int(data["user_id"]))
        elif op == self.SPEAKING:
            speakers.speaks(int(data["user_id"]), int(data["ssrc"]))
        elif op == _VIDEO and data.get("audio_ssrc"):
            speakers.speaks(int(data["user_id"]), int(data["audio_ssrc"]))
        elif op == self.RESUMED:
            self.resumed = True
        elif op in (self.DAVE_PREPARE_TRANSITION, self.DAVE_EXECUTE_TRANSITION):
            self.last_transition = int(data["transition_id"])

    async def _enter_encryption(self, op: object, data: Any) -> None:  # noqa: ANN401  JSON
        """Follow a call that begins to be encrypted; discord.py ignores that."""
        state = self._connection
        if op == self.DAVE_PREPARE_EPOCH:
            package = state.begin_encryption(int(data["protocol_version"]))
            if package:
                await self.send_binary(self.MLS_KEY_PACKAGE, package)
            return
        transition = int(data["transition_id"])
        if op == self.DAVE_PREPARE_TRANSITION:
            state.dave_pending_transitions[transition] = int(data["protocol_version"])
            if transition:
                await self.send_transition_ready(transition)
                return
        await state._execute_transition(transition)  # noqa: SLF001  see hooks.py

    async def _follow_bytes(self, op: int | None, msg: bytes) -> None:
        state = self._connection
        if op == self.MLS_PROPOSALS and state.dave_session is not None:
            self.seq_ack = int.from_bytes(msg[:2])
            await self._follow_proposals(state.dave_session, msg[3], msg[4:])
            return
        if op == self.MLS_EXTERNAL_SENDER:
            state.external_sender = msg[3:]
        elif op in (self.MLS_ANNOUNCE_COMMIT_TRANSITION, self.MLS_WELCOME) and len(msg) > 4:
            self.last_transition = int.from_bytes(msg[3:5])
        await super().received_binary_message(msg)

    async def _follow_proposals(
        self, session: davey.DaveSession, kind: int, proposals: bytes
    ) -> None:
        """Commit to what the server proposes, unless it adds somebody who is not in the call."""
        kinds = davey.ProposalsOperationType
        result = session.process_proposals(
            kinds.append if kind == _APPEND else kinds.revoke,
            proposals,
            [session.user_id, *self._connection.speakers.roster],
        )
        if isinstance(result, davey.CommitWelcome):
            await self.send_binary(self.MLS_COMMIT_WELCOME, result.commit + (result.welcome or b""))


def _read(text: str) -> Mapping[str, Any]:
    """Return a frame; what is none becomes one that is ignored."""
    try:
        found = utils._from_json(text)  # noqa: SLF001  whichever reader of JSON discord.py found
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"op": None}


def _harmless(hook: Hook) -> Hook:
    async def guarded(*args: object) -> None:
        try:
            await hook(*args)
        except Exception:
            logger.exception("a hook of the voice gateway failed")

    return guarded
