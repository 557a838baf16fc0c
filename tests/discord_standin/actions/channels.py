"""Channels and threads that open, change and close."""

from __future__ import annotations

from tests.discord_standin.entities import Channel, ChannelType, Message, ThreadState, User
from tests.discord_standin.payloads.channels import channel_json, thread_member_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.site import Site


def start_thread(
    site: Site,
    parent: Channel,
    owner: User,
    name: str,
    *,
    starter: Message | None = None,
    private: bool = False,
) -> Channel:
    """Open a thread; one that grows out of a message has that message's id."""
    now = site.world.clock.now()
    thread = Channel(
        id=starter.id if starter else site.world.ids.next(),
        type=ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD,
        name=name,
        guild_id=parent.guild_id,
        parent_id=parent.id,
        thread=ThreadState(
            owner_id=owner.id, created_at=now, archive_moment=now, members={owner.id: now}
        ),
    )
    site.world.channels[thread.id] = thread
    if starter:
        starter.thread_id = thread.id
        starter.flags |= 1 << 5
    site.gateway.tell(
        "THREAD_CREATE",
        lambda view: channel_json(view, thread) | {"newly_created": True},
        channel=thread,
    )
    return thread


def join_thread(site: Site, thread: Channel, user: User) -> None:
    """Add somebody to a thread."""
    assert thread.thread
    if user.id in thread.thread.members:
        return
    thread.thread.members[user.id] = site.world.clock.now()
    _tell_members(site, thread, added=user.id)


def leave_thread(site: Site, thread: Channel, user: User) -> None:
    """Take somebody out of a thread."""
    assert thread.thread
    if thread.thread.members.pop(user.id, None):
        _tell_members(site, thread, removed=user.id)


def opened(site: Site, channel: Channel) -> None:
    """Tell of a new channel."""
    site.gateway.tell("CHANNEL_CREATE", lambda view: channel_json(view, channel), channel=channel)


def changed(site: Site, channel: Channel) -> None:
    """Tell of a channel or thread that is different now."""
    event = "THREAD_UPDATE" if channel.thread else "CHANNEL_UPDATE"
    site.gateway.tell(event, lambda view: channel_json(view, channel), channel=channel)


def close(site: Site, channel: Channel) -> None:
    """Delete a channel, its threads and its webhooks, or a thread."""
    world = site.world
    for thread in [each for each in world.channels.values() if each.parent_id == channel.id]:
        if thread.thread:
            close(site, thread)
    for webhook in world.webhooks_of(channel.id):
        del world.webhooks[webhook.id]

    def build(view: View) -> Json:
        if not channel.thread:
            return channel_json(view, channel)
        return {
            "id": str(channel.id),
            "guild_id": str(channel.guild_id),
            "parent_id": str(channel.parent_id),
            "type": int(channel.type),
        }

    event = "THREAD_DELETE" if channel.thread else "CHANNEL_DELETE"
    site.gateway.tell(event, build, channel=channel)
    del world.channels[channel.id]
    site.changes.notify()


def webhooks_changed(site: Site, channel: Channel) -> None:
    """Tell that a channel's webhooks are different now."""
    told = {"guild_id": str(channel.guild_id), "channel_id": str(channel.id)}
    site.gateway.tell("WEBHOOKS_UPDATE", lambda _: told, channel=channel)


def _tell_members(
    site: Site, thread: Channel, *, added: int | None = None, removed: int | None = None
) -> None:
    assert thread.thread
    state = thread.thread
    told: Json = {
        "id": str(thread.id),
        "guild_id": str(thread.guild_id),
        "member_count": min(len(state.members), 50),
    }
    if added is not None:
        told["added_members"] = [thread_member_json(thread, state, added)]
    if removed is not None:
        told["removed_member_ids"] = [str(removed)]
    site.gateway.tell("THREAD_MEMBERS_UPDATE", lambda _: told, channel=thread)
