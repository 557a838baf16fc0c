"""Channels, threads and direct messages as places where conversations are held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import discord

from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, AuthorKind, Role

PLATFORM = "discord"
DIRECT = "dm"
"""The scope of direct messages, each a place of its own."""

Channel = (
    discord.TextChannel
    | discord.VoiceChannel
    | discord.StageChannel
    | discord.Thread
    | discord.DMChannel
    | discord.PartialMessageable
)
WebhookChannel = (
    discord.TextChannel | discord.ForumChannel | discord.VoiceChannel | discord.StageChannel
)
User = discord.User | discord.Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A channel with what of it matters here.

    ``adults`` tells whether it is age-restricted; direct messages count as such only where the
    person is asked by the platform, so never. ``parent`` is where webhooks of it belong.
    """

    conversation: ConversationId
    channel: Channel
    guild: discord.Guild | None = None
    parent: WebhookChannel | None = None
    thread: discord.Thread | None = None
    adults: bool = False

    @property
    def private(self) -> bool:
        """Whether only one person talks here."""
        return self.guild is None


def place_of(channel: object, guild: discord.Guild | None) -> Place | None:
    """Return the place that a channel is; ``None`` for kinds in which nobody writes."""
    if isinstance(channel, discord.DMChannel):
        return Place(conversation=direct(channel.id), channel=channel)
    if isinstance(channel, discord.PartialMessageable):
        if channel.guild_id is None:
            return Place(conversation=direct(channel.id), channel=channel)
        guild = guild or channel.guild
        here = ConversationId(PLATFORM, str(channel.guild_id), str(channel.id))
        return Place(conversation=here, channel=channel, guild=guild)
    if isinstance(channel, discord.Thread):
        parent = channel.parent
        return Place(
            conversation=in_thread(channel.guild.id, channel.parent_id, channel.id),
            channel=channel,
            guild=channel.guild,
            parent=parent,
            thread=channel,
            adults=bool(parent is not None and parent.is_nsfw()),
        )
    if isinstance(channel, discord.TextChannel | discord.VoiceChannel | discord.StageChannel):
        return in_guild(channel)
    return None


def in_guild(channel: discord.TextChannel | discord.VoiceChannel | discord.StageChannel) -> Place:
    """Return the place that a channel of a server is."""
    return Place(
        conversation=ConversationId(PLATFORM, str(channel.guild.id), str(channel.id)),
        channel=channel,
        guild=channel.guild,
        parent=channel,
        adults=channel.is_nsfw(),
    )


def may_write(place: Place, *, webhooks: bool) -> bool:
    """Tell whether the bot may write in a place, as itself or, with ``webhooks``, through one."""
    channel = place.thread or place.channel
    if place.guild is None or isinstance(channel, discord.PartialMessageable | discord.DMChannel):
        return True
    try:
        found = channel.permissions_for(place.guild.me)
    except discord.ClientException:  # the channel above a thread is not known
        return True
    writes = found.send_messages if place.thread is None else found.send_messages_in_threads
    return found.view_channel and (writes or (webhooks and found.manage_webhooks))


def direct(channel: int) -> ConversationId:
    """Return the conversation of direct messages in a channel."""
    return ConversationId(PLATFORM, DIRECT, str(channel))


def in_thread(guild: int, parent: int, thread: int) -> ConversationId:
    """Return the conversation of a thread; what its channel chose holds in it, too."""
    return ConversationId(PLATFORM, str(guild), f"{parent}:{thread}")


def channel_in(conversation: ConversationId) -> int | None:
    """Return the id of the channel or thread of a conversation; ``None`` when it is not ours."""
    last = conversation.channel.rpartition(":")[2]
    return int(last) if conversation.platform == PLATFORM and last.isdigit() else None


def account(user: int) -> AuthorId:
    """Return the account of a Discord user."""
    return AuthorId(PLATFORM, str(user))


def author_of(user: User) -> Author:
    """Return a Discord user as an author; webhooks and bots are machines."""
    kind = AuthorKind.BOT if user.bot else AuthorKind.HUMAN
    return Author(id=account(user.id), display_name=user.display_name, kind=kind)


def role_of(
    user: User, *, permissions: discord.Permissions | None, admins: Collection[str] = ()
) -> Role:
    """Return what Discord says of somebody's standing in a server.

    Administrators and those who manage the server are admins, and so are the roles in ``admins``
    (ids); those who manage messages or people are moderators, all others members.
    """
    if permissions is None:
        return Role.MEMBER
    if permissions.administrator or permissions.manage_guild:
        return Role.ADMIN
    if isinstance(user, discord.Member):
        if user.guild.owner_id == user.id:
            return Role.ADMIN
        if any(user.get_role(int(role)) for role in admins if role.isdigit()):
            return Role.ADMIN
    if permissions.manage_messages or permissions.moderate_members or permissions.kick_members:
        return Role.MODERATOR
    return Role.MEMBER
