"""Channels, threads and direct conversations."""

from __future__ import annotations

from tests.discord_standin import errors
from tests.discord_standin.actions import channels as acts
from tests.discord_standin.actions.messages import post
from tests.discord_standin.entities import Channel, ChannelType, ThreadState
from tests.discord_standin.founding import add_channel
from tests.discord_standin.payloads.channels import channel_json, thread_member_json
from tests.discord_standin.payloads.messages import message_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.rest.drafts import draft_of
from tests.discord_standin.rest.routing import Answer, Call, Route


def fetch(call: Call) -> Answer:
    return channel_json(call.view, call.channel())


def change(call: Call) -> Answer:
    channel = call.channel()
    if channel.thread is None:
        call.demand(channel, Permission.MANAGE_CHANNELS)
    elif channel.thread.owner_id != call.user.id:
        call.demand(channel, Permission.MANAGE_THREADS)
    fields = call.fields
    channel.name = fields.get("name") or channel.name
    channel.topic = fields.get("topic", channel.topic)
    channel.nsfw = bool(fields.get("nsfw", channel.nsfw))
    channel.slowmode_seconds = fields.get("rate_limit_per_user") or channel.slowmode_seconds
    if channel.thread:
        _change_thread(call, channel.thread, fields)
    acts.changed(call.site, channel)
    return channel_json(call.view, channel)


def delete(call: Call) -> Answer:
    channel = call.channel()
    if channel.type == ChannelType.DIRECT:
        return channel_json(call.view, channel)
    call.demand(
        channel, Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
    )
    shown = channel_json(call.view, channel)
    acts.close(call.site, channel)
    return shown


def open_direct(call: Call) -> Answer:
    recipient = call.site.world.users.get(int(call.fields["recipient_id"]))
    if recipient is None:
        raise errors.invalid_form("recipient_id", "INVALID_RECIPIENT", "Invalid recipient")
    channel = call.site.world.direct_channel(call.user.id, recipient.id)
    return channel_json(call.view, channel)


def list_of_guild(call: Call) -> Answer:
    guild = call.guild()
    return [channel_json(call.view, each) for each in call.site.world.channels_of(guild.id)]


def create(call: Call) -> Answer:
    guild = call.guild()
    fields = call.fields
    channel = add_channel(
        call.site.world,
        guild,
        fields["name"],
        kind=ChannelType(fields.get("type") or 0),
        parent=call.site.world.channels.get(int(fields.get("parent_id") or 0)),
    )
    try:
        call.demand(channel, Permission.MANAGE_CHANNELS)
    except errors.DiscordError:
        del call.site.world.channels[channel.id]
        raise
    channel.topic = fields.get("topic")
    acts.opened(call.site, channel)
    return channel_json(call.view, channel)


def start_thread(call: Call) -> Answer:
    channel = call.channel()
    fields = call.fields
    private = fields.get("type") == ChannelType.PRIVATE_THREAD
    in_forum = channel.type == ChannelType.FORUM
    call.demand(
        channel,
        Permission.CREATE_PRIVATE_THREADS
        if private
        else Permission.SEND_MESSAGES
        if in_forum
        else Permission.CREATE_PUBLIC_THREADS,
    )
    draft = draft_of(call, fields["message"]) if in_forum else None
    thread = acts.start_thread(call.site, channel, call.user, fields["name"], private=private)
    _settle(thread, fields)
    shown: Json = {}
    if draft:
        message = post(call.site, thread, call.user, draft)
        shown["message"] = message_json(call.view, message)
    return channel_json(call.view, thread) | shown


def start_thread_from(call: Call) -> Answer:
    channel = call.channel(Permission.CREATE_PUBLIC_THREADS)
    message = call.message(channel)
    if message.thread_id is not None:
        raise errors.thread_exists()
    thread = acts.start_thread(call.site, channel, call.user, call.fields["name"], starter=message)
    _settle(thread, call.fields)
    return channel_json(call.view, thread)


def join_thread(call: Call) -> Answer:
    thread = call.channel()
    user = call.site.world.users.get(call.id("user_id")) if "user_id" in call.path else call.user
    if user is None:
        raise errors.unknown_user()
    _state_of(thread)
    acts.join_thread(call.site, thread, user)
    return None


def leave_thread(call: Call) -> Answer:
    thread = call.channel()
    _state_of(thread)
    acts.leave_thread(call.site, thread, call.user)
    return None


def thread_members(call: Call) -> Answer:
    thread = call.channel()
    state = _state_of(thread)
    return [thread_member_json(thread, state, user_id) for user_id in state.members]


def active_threads(call: Call) -> Answer:
    guild = call.guild()
    world = call.site.world
    threads = [
        thread
        for thread in world.threads_of(guild.id)
        if granted(world, call.user.id, thread) & Permission.VIEW_CHANNEL
    ]
    joined = [
        thread_member_json(thread, thread.thread, call.user.id)
        for thread in threads
        if thread.thread and call.user.id in thread.thread.members
    ]
    return {
        "threads": [channel_json(call.view, thread) for thread in threads],
        "members": joined,
        "has_more": False,
    }


def _state_of(thread: Channel) -> ThreadState:
    if thread.thread is None:
        raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
    return thread.thread


def _settle(thread: Channel, fields: Json) -> None:
    assert thread.thread
    thread.thread.auto_archive_minutes = fields.get("auto_archive_duration") or 1440
    thread.thread.applied_tags = [int(tag) for tag in fields.get("applied_tags") or []]
    thread.slowmode_seconds = fields.get("rate_limit_per_user") or 0


def _change_thread(call: Call, state: ThreadState, fields: Json) -> None:
    if "archived" in fields:
        state.archived = bool(fields["archived"])
        state.archive_moment = call.site.world.clock.now()
    state.locked = bool(fields.get("locked", state.locked))
    state.invitable = bool(fields.get("invitable", state.invitable))
    state.auto_archive_minutes = fields.get("auto_archive_duration") or state.auto_archive_minutes


_CHANNEL = "/channels/{channel_id}"

ROUTES = (
    Route("GET", _CHANNEL, fetch),
    Route("PATCH", _CHANNEL, change),
    Route("DELETE", _CHANNEL, delete),
    Route("POST", "/users/@me/channels", open_direct),
    Route("GET", "/guilds/{guild_id}/channels", list_of_guild),
    Route("POST", "/guilds/{guild_id}/channels", create, status=201),
    Route("GET", "/guilds/{guild_id}/threads/active", active_threads),
    Route("POST", _CHANNEL + "/threads", start_thread, status=201),
    Route("POST", _CHANNEL + "/messages/{message_id}/threads", start_thread_from, status=201),
    Route("PUT", _CHANNEL + "/thread-members/@me", join_thread),
    Route("DELETE", _CHANNEL + "/thread-members/@me", leave_thread),
    Route("PUT", _CHANNEL + "/thread-members/{user_id}", join_thread),
    Route("GET", _CHANNEL + "/thread-members", thread_members),
)
