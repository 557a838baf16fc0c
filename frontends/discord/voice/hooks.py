"""The private parts of discord.py that voice stands on, and a check that they are still there."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterator
from typing import Final

import discord
from discord import utils, voice_client, voice_state
from discord.gateway import DiscordVoiceWebSocket
from discord.voice_state import SocketReader, VoiceConnectionState

from services.domain.errors import AcoreError

_NEEDED: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (
        VoiceConnectionState,
        (
            *(
                "_connect_websocket",
                "_handshake_websocket",
                "_create_socket",
                "_execute_transition",
            ),
            *("_recover_from_invalid_commit", "_wait_for_state", "_inside_runner"),
            *("reinit_dave_session", "add_socket_listener", "state", "is_connected"),
            *("voice_state_update", "voice_server_update", "connect", "disconnect", "move_to"),
        ),
    ),
    (
        DiscordVoiceWebSocket,
        (
            *("from_connection_state", "poll_event", "received_message", "discover_ip"),
            *("received_binary_message", "send_transition_ready", "send_binary", "speak"),
            *("DAVE_PREPARE_EPOCH", "MLS_PROPOSALS", "MLS_EXTERNAL_SENDER", "CLIENTS_CONNECT"),
        ),
    ),
    (SocketReader, ("register", "unregister", "resume", "stop")),
    (discord.VoiceClient, ("create_connection_state", "checked_add", "send_audio_packet")),
)
_WORDS: Final[tuple[tuple[Callable[..., object], tuple[str, ...]], ...]] = (
    (
        VoiceConnectionState.__init__,
        (
            *("_state", "_runner", "_connected", "_disconnected", "_expecting_disconnect"),
            *("_socket_reader", "dave_session", "dave_protocol_version", "secret_key", "ssrc"),
            *("dave_pending_transitions", "token", "session_id", "endpoint", "ip", "socket"),
        ),
    ),
    (SocketReader.__init__, ("state", "_callbacks", "_running", "_end")),
    (DiscordVoiceWebSocket.__init__, ("_close_code", "_hook", "seq_ack", "secret_key")),
    (DiscordVoiceWebSocket.from_connection_state, ("_connection", "seq_ack")),
)


def assert_hooks() -> None:
    """Demand that voice can work with what is installed.

    Raises:
        AcoreError: discord.py is another one than voice was written for, or a library is missing.
    """
    absent = [name for name in ("nacl", "davey") if importlib.util.find_spec(name) is None]
    if absent or not (voice_client.has_nacl and voice_state.has_dave):
        raise AcoreError(
            "voice_libraries_missing",
            f"Voice needs the packages PyNaCl and davey ({', '.join(absent) or 'broken'}): "
            "run `make setup` again.",
        )
    missing = list(_missing())
    if missing:
        raise AcoreError(
            "discord_py_changed",
            f"Voice does not work with discord.py {discord.__version__} ({missing[0]} is gone): "
            "run `make setup` again, which installs the version it was written for.",
        )


def _missing() -> Iterator[str]:
    for owner, names in _NEEDED:
        yield from (f"{owner.__name__}.{name}" for name in names if not hasattr(owner, name))
    for function, words in _WORDS:
        known = inspect.unwrap(function).__code__.co_names
        yield from (word for word in words if word not in known)
    if not hasattr(utils, "_from_json"):
        yield "utils._from_json"
    if importlib.util.find_spec("nacl._sodium") is None:
        yield "nacl._sodium"
