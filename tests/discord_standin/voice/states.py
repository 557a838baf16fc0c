"""Who is in which voice channel, as every bot of the guild is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.discord_standin.entities import Guild, VoiceState
from tests.discord_standin.payloads.voice import voice_state_json

if TYPE_CHECKING:
    from tests.discord_standin.gateway import Gateway


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
