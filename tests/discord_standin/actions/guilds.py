"""Members and roles that come, change and go."""

from __future__ import annotations

from tests.discord_standin.entities import Guild, Member, Role, User
from tests.discord_standin.founding import add_member
from tests.discord_standin.gateway import guild_create_for
from tests.discord_standin.payloads.users import member_json, role_json, user_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.site import Site


def join(site: Site, guild: Guild, user: User) -> Member:
    """Add a member; a bot that joins is told of the guild."""
    member = add_member(site.world, guild, user)
    if user.bot:
        for session in site.gateway.sessions.values():
            if session.bot.user.id == user.id and session.hears("GUILD_CREATE", guild.id):
                view = site.view(user.id)
                session.tell("GUILD_CREATE", guild_create_for(session, view, guild.id, joined=True))

    def build(view: View) -> Json:
        return member_json(view, member) | {"guild_id": str(guild.id)}

    site.gateway.tell(
        "GUILD_MEMBER_ADD",
        build,
        guild_id=guild.id,
        to=lambda session: session.bot.user is not user,
    )
    return member


def leave(site: Site, guild: Guild, user: User) -> None:
    """Remove a member; a bot that goes loses the guild."""
    site.gateway.voice.disconnect(user, guild)
    del guild.members[user.id]
    for session in site.gateway.sessions.values():
        if session.bot.user.id == user.id and session.hears("GUILD_DELETE", guild.id):
            session.tell("GUILD_DELETE", {"id": str(guild.id)})
    told = {"guild_id": str(guild.id), "user": user_json(user)}
    site.gateway.tell("GUILD_MEMBER_REMOVE", lambda _: told, guild_id=guild.id)


def member_changed(site: Site, guild: Guild, member: Member) -> None:
    """Tell of a member's new nick or roles."""

    def build(view: View) -> Json:
        return member_json(view, member) | {"guild_id": str(guild.id)}

    site.gateway.tell("GUILD_MEMBER_UPDATE", build, guild_id=guild.id)


def role_changed(site: Site, guild: Guild, role: Role, *, created: bool = False) -> None:
    """Tell of a role that is new, or of its new permissions or name."""
    told = {"guild_id": str(guild.id), "role": role_json(role)}
    event = "GUILD_ROLE_CREATE" if created else "GUILD_ROLE_UPDATE"
    site.gateway.tell(event, lambda _: told, guild_id=guild.id)


def delete_role(site: Site, guild: Guild, role: Role) -> None:
    """Delete a role; nobody has it any more, and no channel knows of it."""
    del guild.roles[role.id]
    for member in guild.members.values():
        if role.id in member.roles:
            member.roles.remove(role.id)
    for channel in site.world.channels_of(guild.id):
        channel.overwrites.pop(role.id, None)
    told = {"guild_id": str(guild.id), "role_id": str(role.id)}
    site.gateway.tell("GUILD_ROLE_DELETE", lambda _: told, guild_id=guild.id)


def ban(site: Site, guild: Guild, user: User, *, banned: bool = True) -> None:
    """Ban somebody, who thereby leaves, or let them come back."""
    if banned:
        guild.banned.add(user.id)
        if user.id in guild.members:
            leave(site, guild, user)
    else:
        guild.banned.discard(user.id)
    told = {"guild_id": str(guild.id), "user": user_json(user)}
    event = "GUILD_BAN_ADD" if banned else "GUILD_BAN_REMOVE"
    site.gateway.tell(event, lambda _: told, guild_id=guild.id)


def outage(site: Site, guild: Guild) -> None:
    """Tell that a guild cannot be reached; nobody has left it."""
    told = {"id": str(guild.id), "unavailable": True}
    site.gateway.tell("GUILD_DELETE", lambda _: told, guild_id=guild.id)


def recovery(site: Site, guild: Guild) -> None:
    """Tell that a guild can be reached again."""
    for session in site.gateway.sessions.values():
        if session.bot.user.id in guild.members and session.hears("GUILD_CREATE", guild.id):
            view = site.view(session.bot.user.id)
            session.tell("GUILD_CREATE", guild_create_for(session, view, guild.id))
