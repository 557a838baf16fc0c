"""What can be done to messages, and who is told of it; people and bots alike act here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.discord_standin.actions.mentions import mentions_in
from tests.discord_standin.entities import (
    Attachment,
    Channel,
    ChannelType,
    Message,
    ThreadState,
    User,
)
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.messages import emoji_json, event_message_json
from tests.discord_standin.payloads.users import member_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.site import Site

_DEFAULT, _REPLY = 0, 19
EPHEMERAL = 1 << 6
LOADING = 1 << 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message before it is sent."""

    content: str = ""
    embeds: Sequence[Json] = ()
    components: Sequence[Json] = ()
    attachments: Sequence[Attachment] = ()
    reference: tuple[int, int] | None = None
    allowed_mentions: Mapping[str, Any] | None = None
    flags: int = 0
    tts: bool = False
    nonce: int | str | None = None
    webhook_id: int | None = None
    application_id: int | None = None
    interaction_id: int | None = None
    shown_only_to: int | None = None
    type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What an edit changes; None leaves things as they are."""

    content: str | None = None
    embeds: Sequence[Json] | None = None
    components: Sequence[Json] | None = None
    attachments: Sequence[Attachment] | None = None
    flags: int | None = None
    allowed_mentions: Mapping[str, Any] | None = field(default=None)


def post(site: Site, channel: Channel, author: User, draft: Draft) -> Message:
    """Put a message into a channel."""
    message = Message(
        id=_id_in(site, channel),
        channel_id=channel.id,
        author=author,
        content=draft.content,
        type=draft.type or (_REPLY if draft.reference else _DEFAULT),
        flags=draft.flags,
        tts=draft.tts,
        embeds=list(draft.embeds),
        components=list(draft.components),
        attachments=list(draft.attachments),
        reference=draft.reference,
        nonce=draft.nonce,
        webhook_id=draft.webhook_id,
        application_id=draft.application_id,
        interaction_id=draft.interaction_id,
        shown_only_to=draft.shown_only_to,
    )
    _find_mentions(site, channel, message, draft.allowed_mentions)
    site.world.keep(message)
    if channel.thread:
        _wake(site, channel, channel.thread, message)
    _tell_message(site, "MESSAGE_CREATE", channel, message)
    return message


def edit(site: Site, message: Message, revision: Revision) -> Message:
    """Change a message."""
    channel = site.world.channels[message.channel_id]
    if revision.content is not None:
        message.content = revision.content
        _find_mentions(site, channel, message, revision.allowed_mentions)
    if revision.embeds is not None:
        message.embeds = list(revision.embeds)
    if revision.components is not None:
        message.components = list(revision.components)
    if revision.attachments is not None:
        message.attachments = list(revision.attachments)
    if revision.flags is not None:
        message.flags = revision.flags
    message.edited_at = site.world.clock.now()
    _tell_message(site, "MESSAGE_UPDATE", channel, message)
    return message


def delete(site: Site, message: Message) -> None:
    """Remove a message."""
    channel = site.world.channels[message.channel_id]
    del channel.messages[message.id]
    if message.shown_only_to is not None:
        site.changes.notify()
        return
    place = {"id": str(message.id)} | place_of(channel)
    site.gateway.tell("MESSAGE_DELETE", lambda _: place, channel=channel)


def delete_many(site: Site, channel: Channel, ids: Sequence[int]) -> None:
    """Remove several messages at once."""
    for message_id in ids:
        channel.messages.pop(message_id, None)
    place = {"ids": [str(each) for each in ids]} | place_of(channel)
    site.gateway.tell("MESSAGE_DELETE_BULK", lambda _: place, channel=channel)


def react(site: Site, message: Message, user: User, emoji: str) -> None:
    """Add a reaction; a second one of the same user changes nothing."""
    users = message.reactions.setdefault(emoji, [])
    if user.id in users:
        return
    users.append(user.id)
    channel = site.world.channels[message.channel_id]
    guild = site.world.guilds.get(channel.guild_id or 0)

    def build(view: View) -> Json:
        told = _reaction_json(message, channel, user, emoji)
        told["message_author_id"] = str(message.author.id)
        if guild and user.id in guild.members:
            told["member"] = member_json(view, guild.members[user.id])
        return told

    site.gateway.tell("MESSAGE_REACTION_ADD", build, channel=channel)


def unreact(site: Site, message: Message, user: User, emoji: str) -> None:
    """Take a reaction back."""
    users = message.reactions.get(emoji, [])
    if user.id not in users:
        return
    users.remove(user.id)
    if not users:
        del message.reactions[emoji]
    channel = site.world.channels[message.channel_id]
    told = _reaction_json(message, channel, user, emoji)
    site.gateway.tell("MESSAGE_REACTION_REMOVE", lambda _: told, channel=channel)


def clear_reactions(site: Site, message: Message, emoji: str | None = None) -> None:
    """Remove all reactions, or all with one emoji."""
    channel = site.world.channels[message.channel_id]
    place: Json = {"message_id": str(message.id)} | place_of(channel)
    if emoji is None:
        message.reactions.clear()
        site.gateway.tell("MESSAGE_REACTION_REMOVE_ALL", lambda _: place, channel=channel)
        return
    message.reactions.pop(emoji, None)
    place["emoji"] = emoji_json(emoji)
    site.gateway.tell("MESSAGE_REACTION_REMOVE_EMOJI", lambda _: place, channel=channel)


def show_typing(site: Site, channel: Channel, user: User) -> None:
    """Tell that somebody is writing."""
    guild = site.world.guilds.get(channel.guild_id or 0)

    def build(view: View) -> Json:
        told = place_of(channel) | {
            "user_id": str(user.id),
            "timestamp": int(site.world.clock.now().timestamp()),
        }
        if guild and user.id in guild.members:
            told["member"] = member_json(view, guild.members[user.id])
        return told

    site.gateway.tell("TYPING_START", build, channel=channel)


def place_of(channel: Channel) -> Json:
    """Return where something happened."""
    place: Json = {"channel_id": str(channel.id)}
    if channel.guild_id is not None:
        place["guild_id"] = str(channel.guild_id)
    return place


def changed(site: Site, message: Message) -> None:
    """Tell of a message that is different without having been edited."""
    _tell_message(site, "MESSAGE_UPDATE", site.world.channels[message.channel_id], message)


def _id_in(site: Site, channel: Channel) -> int:
    """Return a message's id; the first one of a forum's post has the post's own."""
    parent = site.world.channels.get(channel.parent_id or 0)
    opens_post = parent and parent.type == ChannelType.FORUM
    if opens_post and channel.thread and channel.thread.active_at is None:
        return channel.id
    return site.world.ids.next()


def _wake(site: Site, thread: Channel, state: ThreadState, message: Message) -> None:
    """Note a thread's activity; one that was archived is open again."""
    now = site.world.clock.now()
    state.active_at = now
    state.sent += thread.counts(message)
    if state.archived:
        state.archived, state.archive_moment = False, now
        site.gateway.tell("THREAD_UPDATE", lambda view: channel_json(view, thread), channel=thread)


def _tell_message(site: Site, event: str, channel: Channel, message: Message) -> None:
    if message.shown_only_to is not None:
        site.changes.notify()
        return
    site.gateway.tell(event, lambda view: event_message_json(view, message), channel=channel)


def _find_mentions(
    site: Site, channel: Channel, message: Message, allowed: Mapping[str, Any] | None
) -> None:
    found = mentions_in(site.world, channel, message, allowed)
    message.mentions = found.users
    message.mention_roles = found.roles
    message.mention_everyone = found.everyone


def _reaction_json(message: Message, channel: Channel, user: User, emoji: str) -> Json:
    return place_of(channel) | {
        "user_id": str(user.id),
        "message_id": str(message.id),
        "emoji": emoji_json(emoji),
        "burst": False,
        "type": 0,
    }


def webhook_author(webhook_id: int, name: str, avatar: str | None) -> User:
    """Return the author a webhook's message shows."""
    return User(id=webhook_id, username=name, avatar=avatar, bot=True)
