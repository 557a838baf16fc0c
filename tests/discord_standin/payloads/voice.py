"""JSON of voice states.

https://discord.com/developers/docs/resources/voice#voice-state-object
"""

from __future__ import annotations

from tests.discord_standin.entities import Guild, VoiceState
from tests.discord_standin.payloads.users import member_json
from tests.discord_standin.payloads.view import Json, View, optional_id


def voice_state_json(view: View, state: VoiceState, guild: Guild) -> Json:
    """Return a state as VOICE_STATE_UPDATE tells it."""
    told = _state_json(state) | {"guild_id": str(guild.id)}
    member = guild.members.get(state.user_id)
    return told | {"member": member_json(view, member)} if member else told


def voice_states_json(guild: Guild) -> list[Json]:
    """Return the states GUILD_CREATE tells of."""
    return [_state_json(state) for state in guild.voice.values()]


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
