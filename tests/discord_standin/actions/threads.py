"""Threads and posts that open, wake, fall asleep and change hands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.discord_standin.actions import channels, messages
from tests.discord_standin.actions.messages import Draft
from tests.discord_standin.entities import (
    THREAD_CREATED,
    THREAD_STARTER,
    Channel,
    ChannelType,
    Message,
    ThreadState,
    User,
)
from tests.discord_standin.intents import Intent
from tests.discord_standin.payloads.channels import channel_json, thread_member_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.sessions import Session
from tests.discord_standin.site import Site

_HAS_THREAD = 1 << 5


def start_thread(
    site: Site,
    parent: Channel,
    owner: User,
    name: str,
    *,
    starter: Message | None = None,
    private: bool = False,
    tags: Sequence[int] = (),
) -> Channel:
    """Open a thread; one that grows out of a message has that message's id.

    In a forum the first message is still to be posted, under the thread's own id. Elsewhere the
    channel is told of the thread by a message of type 18, or the thread quotes its starter by one
    of type 21.
    """
    now = site.world.clock.now()
    thread = Channel(
        id=starter.id if starter else site.world.ids.next(),
        type=ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD,
        name=name,
        guild_id=parent.guild_id,
        parent_id=parent.id,
        thread=ThreadState(
            owner_id=owner.id,
            created_at=now,
            archive_moment=now,
            applied_tags=list(tags),
            members={owner.id: now},
        ),
    )
    site.world.channels[thread.id] = thread
    _tell_created(site, thread)
    if starter:
        starter.thread_id = thread.id
        starter.flags |= _HAS_THREAD
        messages.changed(site, starter)
        quoting = Draft(type=THREAD_STARTER, reference=(parent.id, starter.id))
        messages.post(site, thread, owner, quoting)
    elif parent.type != ChannelType.FORUM and not private:
        told = messages.post(site, parent, owner, Draft(type=THREAD_CREATED, content=name))
        told.thread_id = thread.id
    return thread


def join_thread(site: Site, thread: Channel, user: User) -> None:
    """Add somebody to a thread; a bot that is added to a private one is told that it exists."""
    assert thread.thread
    if user.id in thread.thread.members:
        return
    thread.thread.members[user.id] = site.world.clock.now()
    if thread.type == ChannelType.PRIVATE_THREAD:
        _tell_created(site, thread, to=user)
    _tell_members(site, thread, added=user.id)


def leave_thread(site: Site, thread: Channel, user: User) -> None:
    """Take somebody out of a thread."""
    assert thread.thread
    if thread.thread.members.pop(user.id, None):
        _tell_members(site, thread, removed=user.id)


def archive(site: Site, thread: Channel, *, archived: bool = True, locked: bool = False) -> None:
    """Close a thread, or open it again."""
    assert thread.thread
    thread.thread.archived, thread.thread.locked = archived, locked
    thread.thread.archive_moment = site.world.clock.now()
    channels.changed(site, thread)


def archive_idle(site: Site) -> list[Channel]:
    """Archive the threads that nobody wrote in for as long as they say, and return them."""
    now = site.world.clock.now()
    idle = []
    for channel in site.world.channels.values():
        state = channel.thread
        if state is None or state.archived:
            continue
        last = state.active_at or state.created_at
        if now - last >= timedelta(minutes=state.auto_archive_minutes):
            idle.append(channel)
    for channel in idle:
        archive(site, channel)
    return idle


def _tell_created(site: Site, thread: Channel, *, to: User | None = None) -> None:
    more: Json = {} if to else {"newly_created": True}
    site.gateway.tell(
        "THREAD_CREATE",
        lambda view: channel_json(view, thread) | more,
        channel=thread,
        to=lambda session: to is None or session.bot.user is to,
    )


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

    def may_know(session: Session) -> bool:
        return bool(session.intents & Intent.GUILD_MEMBERS) or session.bot.user.id in (
            added,
            removed,
        )

    site.gateway.tell("THREAD_MEMBERS_UPDATE", lambda _: told, channel=thread, to=may_know)
