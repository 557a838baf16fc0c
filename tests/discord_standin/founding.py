"""How a world is filled: bots, people, guilds and channels."""

from __future__ import annotations

import base64

from tests.discord_standin.entities import Bot, Channel, ChannelType, Guild, Member, Role, User
from tests.discord_standin.permissions import EVERYONE_BY_DEFAULT
from tests.discord_standin.world import World

ALL_PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)
"""Members, presences and message content."""


def add_user(world: World, name: str, *, bot: bool = False) -> User:
    """Add somebody who is in no guild yet."""
    user = User(id=world.ids.next(), username=name.casefold(), global_name=name, bot=bot)
    world.users[user.id] = user
    return user


def add_bot(world: World, name: str, *, privileged: int = ALL_PRIVILEGED) -> Bot:
    """Add an application with a bot and an owner; its token looks like Discord's."""
    owner = add_user(world, f"{name}-owner")
    user = add_user(world, name, bot=True)
    user.global_name = None
    head = base64.b64encode(str(user.id).encode()).decode().rstrip("=")
    token = f"{head}.{base64.urlsafe_b64encode(user.id.to_bytes(8)).decode()[:6]}.{'t' * 27}"
    bot = Bot(
        user=user,
        application_id=user.id,
        token=token,
        owner_id=owner.id,
        privileged=privileged,
    )
    world.bots[token] = bot
    return bot


def add_guild(world: World, name: str, *, owner: User, members: tuple[User, ...] = ()) -> Guild:
    """Add a guild with its @everyone role, its owner and other members."""
    guild = Guild(id=world.ids.next(), name=name, owner_id=owner.id)
    guild.roles[guild.id] = Role(
        id=guild.id, name="@everyone", permissions=int(EVERYONE_BY_DEFAULT)
    )
    world.guilds[guild.id] = guild
    for user in (owner, *members):
        add_member(world, guild, user)
    return guild


def add_member(world: World, guild: Guild, user: User) -> Member:
    """Add a member without telling anybody; see ``Actions.join`` for the loud way."""
    member = Member(user_id=user.id, joined_at=world.clock.now())
    guild.members[user.id] = member
    return member


def add_role(world: World, guild: Guild, name: str, *, permissions: int = 0) -> Role:
    """Add a role above the ones there are."""
    role = Role(id=world.ids.next(), name=name, permissions=permissions, position=len(guild.roles))
    guild.roles[role.id] = role
    return role


def add_channel(
    world: World,
    guild: Guild,
    name: str,
    *,
    kind: ChannelType = ChannelType.TEXT,
    parent: Channel | None = None,
) -> Channel:
    """Add a channel everybody may see."""
    channel = Channel(
        id=world.ids.next(),
        type=kind,
        name=name,
        guild_id=guild.id,
        parent_id=parent.id if parent else None,
        position=len(world.channels_of(guild.id)),
    )
    world.channels[channel.id] = channel
    return channel
