"""Threads and the posts of forums."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tests.discord_standin import errors
from tests.discord_standin.actions import threads as acts
from tests.discord_standin.actions.messages import post
from tests.discord_standin.entities import Channel, ChannelType, ThreadState
from tests.discord_standin.payloads.channels import channel_json, thread_member_json
from tests.discord_standin.payloads.messages import message_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.rest.drafts import draft_of
from tests.discord_standin.rest.routing import Answer, Call, Route


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
    tags = [int(tag) for tag in fields.get("applied_tags") or []]
    thread = acts.start_thread(
        call.site, channel, call.user, fields["name"], private=private, tags=tags
    )
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
    if _state_of(thread).archived:
        raise errors.archived_thread()
    acts.join_thread(call.site, thread, user)
    return None


def leave_thread(call: Call) -> Answer:
    thread = call.channel()
    state = _state_of(thread)
    user = call.user
    if "user_id" in call.path and call.id("user_id") != user.id:
        if state.owner_id != user.id or thread.type != ChannelType.PRIVATE_THREAD:
            call.demand(thread, Permission.MANAGE_THREADS)
        user = call.site.world.users.get(call.id("user_id")) or user
    acts.leave_thread(call.site, thread, user)
    return None


def thread_members(call: Call) -> Answer:
    thread = call.channel()
    state = _state_of(thread)
    return [thread_member_json(thread, state, user_id) for user_id in state.members]


def thread_member(call: Call) -> Answer:
    thread = call.channel()
    state = _state_of(thread)
    if call.id("user_id") not in state.members:
        raise errors.unknown_member()
    return thread_member_json(thread, state, call.id("user_id"))


def archived_public(call: Call) -> Answer:
    return _archived(call, ChannelType.PUBLIC_THREAD)


def archived_private(call: Call) -> Answer:
    call.channel(Permission.MANAGE_THREADS)
    return _archived(call, ChannelType.PRIVATE_THREAD)


def active_threads(call: Call) -> Answer:
    guild = call.guild()
    world = call.site.world
    threads = [
        thread
        for thread in world.threads_of(guild.id)
        if granted(world, call.user.id, thread) & Permission.VIEW_CHANNEL
    ]
    return _listed(call, threads, has_more=False)


def _archived(call: Call, kind: ChannelType) -> Answer:
    parent = call.channel(Permission.READ_MESSAGE_HISTORY)
    limit = int(call.query.get("limit", 50))
    found = [
        (channel.thread.archive_moment, channel)
        for channel in call.site.world.channels.values()
        if channel.parent_id == parent.id and channel.type == kind
        if channel.thread and channel.thread.archived
    ]
    if "before" in call.query:
        before = datetime.fromisoformat(call.query["before"])
        found = [(moment, channel) for moment, channel in found if moment < before]
    found.sort(key=lambda each: each[0], reverse=True)
    return _listed(call, [each for _, each in found[:limit]], has_more=len(found) > limit)


def _listed(call: Call, threads: Sequence[Channel], *, has_more: bool) -> Json:
    joined = [
        thread_member_json(thread, thread.thread, call.user.id)
        for thread in threads
        if thread.thread and call.user.id in thread.thread.members
    ]
    return {
        "threads": [channel_json(call.view, thread) for thread in threads],
        "members": joined,
        "has_more": has_more,
    }


def _state_of(thread: Channel) -> ThreadState:
    if thread.thread is None:
        raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
    return thread.thread


def _settle(thread: Channel, fields: Json) -> None:
    assert thread.thread
    thread.thread.auto_archive_minutes = fields.get("auto_archive_duration") or 1440
    thread.slowmode_seconds = fields.get("rate_limit_per_user") or 0


def change_thread(call: Call, state: ThreadState, fields: Json) -> None:
    """Take what a change says of a thread beyond a channel."""
    if "archived" in fields:
        state.archived = bool(fields["archived"])
        state.archive_moment = call.site.world.clock.now()
    state.locked = bool(fields.get("locked", state.locked))
    state.invitable = bool(fields.get("invitable", state.invitable))
    state.auto_archive_minutes = fields.get("auto_archive_duration") or state.auto_archive_minutes


_CHANNEL = "/channels/{channel_id}"

ROUTES = (
    Route("GET", "/guilds/{guild_id}/threads/active", active_threads),
    Route("POST", _CHANNEL + "/threads", start_thread, status=201),
    Route("POST", _CHANNEL + "/messages/{message_id}/threads", start_thread_from, status=201),
    Route("GET", _CHANNEL + "/threads/archived/public", archived_public),
    Route("GET", _CHANNEL + "/threads/archived/private", archived_private),
    Route("PUT", _CHANNEL + "/thread-members/@me", join_thread),
    Route("DELETE", _CHANNEL + "/thread-members/@me", leave_thread),
    Route("PUT", _CHANNEL + "/thread-members/{user_id}", join_thread),
    Route("DELETE", _CHANNEL + "/thread-members/{user_id}", leave_thread),
    Route("GET", _CHANNEL + "/thread-members/{user_id}", thread_member),
    Route("GET", _CHANNEL + "/thread-members", thread_members),
)
