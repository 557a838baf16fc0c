"""Who is in which voice channel, as every bot of the guild is told.

https://discord.com/developers/docs/resources/voice#voice-state-object
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.discord_standin.entities import Guild, VoiceState
from tests.discord_standin.payloads.users import member_json
from tests.discord_standin.payloads.view import Json, View, optional_id

if TYPE_CHECKING:
    from tests.discord_standin.gateway import Gateway


def voice_state_json(view: View, state: VoiceState, guild: Guild) -> Json:
    """Return a state as VOICE_STATE_UPDATE tells it."""
    told = _state_json(state) | {"guild_id": str(guild.id)}
    member = guild.members.get(state.user_id)
    return told | {"member": member_json(view, member)} if member else told


def voice_states_json(guild: Guild) -> list[Json]:
    """Return the states GUILD_CREATE tells of."""
    return [_state_json(state) for state in guild.voice.values()]


def tell_voice_state(gateway: Gateway, guild: Guild, state: VoiceState) -> None:
    """Keep a state, or drop that of somebody who left, and tell of it."""
    if state.channel_id is None:
        guild.voice.pop(state.user_id, None)
    else:
        guild.voice[state.user_id] = state
    gateway.tell(
        "VOICE_STATE_UPDATE",
        lambda view: voice_state_json(view, state, guild),
        guild_id=guild.id,
    )


def _state_json(state: VoiceState) -> Json:
    return {
        "channel_id": optional_id(state.channel_id),
        "user_id": str(state.user_id),
        "session_id": state.session_id,
        "deaf": state.deaf,
        "mute": state.mute,
        "self_deaf": state.self_deaf,
        "self_mute": state.self_mute,
        "self_video": False,
        "suppress": False,
        "request_to_speak_timestamp": None,
    }
