"""Who may do what where, by Discord's documented algorithm."""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from tests.discord_standin.entities import Channel, ChannelType, Guild, Member
from tests.discord_standin.world import World


class Permission(IntFlag):
    """The bits the stand-in enforces or hands out."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


EVERY_PERMISSION: Final = (1 << 53) - 1
"""All bits Discord may use: what owners and administrators have."""

EVERYONE_BY_DEFAULT: Final = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What @everyone has in a new guild, without @everyone mentions."""

IN_DIRECT_MESSAGES: Final = (
    EVERYONE_BY_DEFAULT & ~Permission.CREATE_PUBLIC_THREADS & ~Permission.CREATE_INSTANT_INVITE
)


def in_guild(guild: Guild, member: Member) -> int:
    """Return the member's bits before any channel's overwrites."""
    if guild.owner_id == member.user_id:
        return EVERY_PERMISSION
    granted = guild.roles[guild.id].permissions
    for role_id in member.roles:
        granted |= guild.roles[role_id].permissions
    return EVERY_PERMISSION if granted & Permission.ADMINISTRATOR else granted


def in_channel(guild: Guild, member: Member, channel: Channel) -> int:
    """Return the member's bits in a channel that is not a thread.

    https://discord.com/developers/docs/topics/permissions#permission-overwrites
    """
    granted = in_guild(guild, member)
    if granted & Permission.ADMINISTRATOR:
        return granted
    overwrites = channel.overwrites
    layers = (
        [guild.id],
        [role_id for role_id in member.roles if role_id in overwrites],
        [member.user_id],
    )
    for layer in layers:
        deny = allow = 0
        for overwrite in (overwrites[key] for key in layer if key in overwrites):
            deny |= overwrite.deny
            allow |= overwrite.allow
        granted = (granted & ~deny) | allow
    return granted if granted & Permission.VIEW_CHANNEL else 0


def granted(world: World, user_id: int, channel: Channel) -> int:
    """Return a user's bits in any channel; 0 where they cannot see it."""
    if channel.type == ChannelType.DIRECT:
        return int(IN_DIRECT_MESSAGES) if user_id in channel.recipients else 0
    assert channel.guild_id is not None
    guild = world.guilds[channel.guild_id]
    member = guild.members.get(user_id)
    if member is None:
        return 0
    if channel.thread is None:
        return in_channel(guild, member, channel)
    parent = world.channels.get(channel.parent_id or 0)
    found = in_channel(guild, member, parent) if parent else 0
    hidden = channel.type == ChannelType.PRIVATE_THREAD and user_id not in channel.thread.members
    return 0 if hidden and not found & Permission.MANAGE_THREADS else found
