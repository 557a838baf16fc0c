"""JSON of channels, threads and webhooks."""

from __future__ import annotations

from tests.discord_standin.entities import (
    Channel,
    ChannelType,
    ForumTag,
    ThreadState,
    Webhook,
)
from tests.discord_standin.payloads.users import user_json
from tests.discord_standin.payloads.view import Json, View, optional_id, stamp

_SPEAKING = (ChannelType.VOICE, ChannelType.STAGE)


def channel_json(view: View, channel: Channel) -> Json:
    """Return any kind of channel."""
    if channel.type == ChannelType.DIRECT:
        return _direct_json(view, channel)
    if channel.thread:
        return _thread_json(view, channel, channel.thread)
    found = _common(channel) | {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": optional_id(channel.parent_id),
        "position": channel.position,
        "topic": channel.topic,
        "nsfw": channel.nsfw,
        "rate_limit_per_user": channel.slowmode_seconds,
        "permission_overwrites": [
            {
                "id": str(overwrite.id),
                "type": int(overwrite.of_member),
                "allow": str(int(overwrite.allow)),
                "deny": str(int(overwrite.deny)),
            }
            for overwrite in channel.overwrites.values()
        ],
    }
    if channel.type in _SPEAKING:
        found |= {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
    if channel.type == ChannelType.FORUM:
        found |= {
            "available_tags": [_tag_json(tag) for tag in channel.tags],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
            "default_auto_archive_duration": 1440,
        }
    return found


def thread_member_json(channel: Channel, state: ThreadState, user_id: int) -> Json:
    return {
        "id": str(channel.id),
        "user_id": str(user_id),
        "join_timestamp": stamp(state.members[user_id]),
        "flags": 1,
    }


def webhook_json(view: View, webhook: Webhook, *, with_token: bool = True) -> Json:
    found: Json = {
        "application_id": optional_id(webhook.application_id),
        "avatar": webhook.avatar,
        "channel_id": str(webhook.channel_id),
        "guild_id": str(webhook.guild_id),
        "id": str(webhook.id),
        "name": webhook.name,
        "type": 1,
        "user": user_json(view.world.users[webhook.creator_id]),
    }
    if with_token:
        found["token"] = webhook.token
        found["url"] = f"https://discord.com/api/webhooks/{webhook.id}/{webhook.token}"
    return found


def _tag_json(tag: ForumTag) -> Json:
    return {
        "id": str(tag.id),
        "name": tag.name,
        "moderated": False,
        "emoji_id": None,
        "emoji_name": None,
    }


def _common(channel: Channel) -> Json:
    return {
        "id": str(channel.id),
        "type": int(channel.type),
        "last_message_id": optional_id(channel.last_message_id),
        "flags": 0,
    }


def _direct_json(view: View, channel: Channel) -> Json:
    others = [user_id for user_id in channel.recipients if user_id != view.viewer_id]
    return _common(channel) | {
        "recipients": [user_json(view.world.users[user_id]) for user_id in others]
    }


def _thread_json(view: View, channel: Channel, state: ThreadState) -> Json:
    metadata = {
        "archived": state.archived,
        "archive_timestamp": stamp(state.archive_moment),
        "auto_archive_duration": state.auto_archive_minutes,
        "locked": state.locked,
        "create_timestamp": stamp(state.created_at),
    }
    if channel.type == ChannelType.PRIVATE_THREAD:
        metadata["invitable"] = state.invitable
    found = _common(channel) | {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": optional_id(channel.parent_id),
        "rate_limit_per_user": channel.slowmode_seconds,
        "owner_id": str(state.owner_id),
        "thread_metadata": metadata,
        "message_count": sum(map(channel.counts, channel.messages.values())),
        "member_count": min(len(state.members), 50),
        "total_message_sent": state.sent,
        "applied_tags": [str(tag) for tag in state.applied_tags],
    }
    if view.viewer_id in state.members:
        found["member"] = thread_member_json(channel, state, view.viewer_id)
    return found
