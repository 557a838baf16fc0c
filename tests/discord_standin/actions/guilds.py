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
                session.tell("GUILD_CREATE", guild_create_for(session, view, guild.id))

    def build(view: View) -> Json:
        return member_json(view, member) | {"guild_id": str(guild.id)}

    site.gateway.tell("GUILD_MEMBER_ADD", build, guild_id=guild.id)
    return member


def leave(site: Site, guild: Guild, user: User) -> None:
    """Remove a member; a bot that goes loses the guild."""
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


def role_changed(site: Site, guild: Guild, role: Role) -> None:
    """Tell of a role's new permissions or name."""
    told = {"guild_id": str(guild.id), "role": role_json(role)}
    site.gateway.tell("GUILD_ROLE_UPDATE", lambda _: told, guild_id=guild.id)
