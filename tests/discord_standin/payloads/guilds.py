"""JSON of guilds, over REST and as GUILD_CREATE tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tests.discord_standin.entities import Guild, Member, Presence
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.users import member_json, role_json
from tests.discord_standin.payloads.view import Json, View, stamp
from tests.discord_standin.payloads.voice import voice_states_json
from tests.discord_standin.world import World

_CHUNK: Final = 1_000


def guild_json(guild: Guild) -> Json:
    """Return a guild as REST answers it."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": [],
        "banner": None,
        "owner_id": str(guild.owner_id),
        "application_id": None,
        "region": "us-east",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": str(guild.system_channel_id) if guild.system_channel_id else None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "roles": [role_json(role) for role in guild.roles.values()],
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create_json(
    view: View, guild: Guild, *, large_threshold: int, all_members: bool, presences: bool
) -> Json:
    """Return GUILD_CREATE: everybody in a small guild, the viewer alone in a large one."""
    world = view.world
    large = len(guild.members) > large_threshold
    alone = not all_members or large
    shown = [guild.members[view.viewer_id]] if alone else list(guild.members.values())
    threads = [
        thread
        for thread in world.threads_of(guild.id)
        if thread.thread and (thread.type != 12 or view.viewer_id in thread.thread.members)
    ]
    return guild_json(guild) | {
        "joined_at": stamp(guild.members[view.viewer_id].joined_at),
        "large": large,
        "member_count": len(guild.members),
        "members": [member_json(view, member) for member in shown],
        "channels": [channel_json(view, channel) for channel in world.channels_of(guild.id)],
        "threads": [channel_json(view, thread) for thread in threads],
        "voice_states": voice_states_json(guild),
        "presences": presences_json(world, shown) if presences else [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def presences_json(world: World, members: Iterable[Member]) -> list[Json]:
    """Return how those show who are not offline."""
    known = [(member.user_id, world.presences.get(member.user_id)) for member in members]
    return [presence_json(user_id, found) for user_id, found in known if found]


def presence_json(user_id: int, presence: Presence) -> Json:
    online = presence.status not in ("offline", "invisible")
    return {
        "user": {"id": str(user_id)},
        "status": presence.status if online else "offline",
        "activities": [presence.activity] if online and presence.activity else [],
        "client_status": {"desktop": presence.status} if online else {},
    }


def members_chunks(view: View, guild: Guild, members: Sequence[Member]) -> Iterator[Json]:
    """Yield GUILD_MEMBERS_CHUNK events of a thousand members each, at least one."""
    starts = range(0, max(1, len(members)), _CHUNK)
    for index, start in enumerate(starts):
        yield {
            "guild_id": str(guild.id),
            "members": [member_json(view, each) for each in members[start : start + _CHUNK]],
            "chunk_index": index,
            "chunk_count": len(starts),
        }
