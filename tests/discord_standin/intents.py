"""Which gateway events a session asked for.

https://discord.com/developers/docs/events/gateway#list-of-intents
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import Final

from tests.discord_standin.payloads.view import Json


class Intent(IntFlag):
    """The groups of events the stand-in tells."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_WEBHOOKS = 1 << 5
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED: Final = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
KNOWN: Final = (1 << 26) - 1

_NEVER = Intent(0)
_MESSAGES = (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES)
_REACTIONS = (Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS)
_TYPING = (Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING)
_GUILDS = (Intent.GUILDS, _NEVER)
_MEMBERS = (Intent.GUILD_MEMBERS, _NEVER)

_INTENTS_OF: Mapping[str, tuple[Intent, Intent]] = {
    "MESSAGE_CREATE": _MESSAGES,
    "MESSAGE_UPDATE": _MESSAGES,
    "MESSAGE_DELETE": _MESSAGES,
    "MESSAGE_DELETE_BULK": _MESSAGES,
    "MESSAGE_REACTION_ADD": _REACTIONS,
    "MESSAGE_REACTION_REMOVE": _REACTIONS,
    "MESSAGE_REACTION_REMOVE_ALL": _REACTIONS,
    "MESSAGE_REACTION_REMOVE_EMOJI": _REACTIONS,
    "TYPING_START": _TYPING,
    "GUILD_CREATE": _GUILDS,
    "GUILD_UPDATE": _GUILDS,
    "GUILD_DELETE": _GUILDS,
    "GUILD_ROLE_CREATE": _GUILDS,
    "GUILD_ROLE_UPDATE": _GUILDS,
    "GUILD_ROLE_DELETE": _GUILDS,
    "CHANNEL_CREATE": _GUILDS,
    "CHANNEL_UPDATE": _GUILDS,
    "CHANNEL_DELETE": _GUILDS,
    "CHANNEL_PINS_UPDATE": (Intent.GUILDS, Intent.DIRECT_MESSAGES),
    "THREAD_CREATE": _GUILDS,
    "THREAD_UPDATE": _GUILDS,
    "THREAD_DELETE": _GUILDS,
    "THREAD_MEMBERS_UPDATE": _GUILDS,
    "GUILD_MEMBER_ADD": _MEMBERS,
    "GUILD_MEMBER_UPDATE": _MEMBERS,
    "GUILD_MEMBER_REMOVE": _MEMBERS,
    "GUILD_BAN_ADD": (Intent.GUILD_MODERATION, _NEVER),
    "GUILD_BAN_REMOVE": (Intent.GUILD_MODERATION, _NEVER),
    "WEBHOOKS_UPDATE": (Intent.GUILD_WEBHOOKS, _NEVER),
    "PRESENCE_UPDATE": (Intent.GUILD_PRESENCES, _NEVER),
    "VOICE_STATE_UPDATE": (Intent.GUILD_VOICE_STATES, _NEVER),
}


def asked_for(intents: int, event: str, *, in_guild: bool) -> bool:
    """Say whether a session with these intents is told; events without an intent always are."""
    wanted = _INTENTS_OF.get(event)
    return wanted is None or bool(intents & (wanted[0] if in_guild else wanted[1]))


def veil(message: Json, bot_user_id: int) -> Json:
    """Return a message as a bot without the message content intent gets it.

    Its own messages, direct ones and those that mention it stay whole.
    """
    concerns_it = message["author"]["id"] == str(bot_user_id) or any(
        mention["id"] == str(bot_user_id) for mention in message["mentions"]
    )
    if concerns_it or "guild_id" not in message:
        return message
    return message | {"content": "", "embeds": [], "attachments": [], "components": []}
