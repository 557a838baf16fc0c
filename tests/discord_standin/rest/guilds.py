"""Guilds, members and roles."""

from __future__ import annotations

from tests.discord_standin import errors
from tests.discord_standin.actions import guilds as acts
from tests.discord_standin.entities import Guild, Member, Role, User
from tests.discord_standin.founding import add_role
from tests.discord_standin.payloads.guilds import guild_json
from tests.discord_standin.payloads.users import member_json, role_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission, in_guild
from tests.discord_standin.rest.routing import Answer, Call, Route


def fetch(call: Call) -> Answer:
    guild = call.guild()
    shown = guild_json(guild)
    if call.query.get("with_counts", "").lower() in ("1", "true"):
        shown |= {
            "approximate_member_count": len(guild.members),
            "approximate_presence_count": len(guild.members),
        }
    return shown


def leave(call: Call) -> Answer:
    acts.leave(call.site, call.guild(), call.user)
    return None


def members(call: Call) -> Answer:
    guild = call.guild()
    after = int(call.query.get("after", 0))
    limit = int(call.query.get("limit", 1))
    found = sorted(user_id for user_id in guild.members if user_id > after)[:limit]
    return [member_json(call.view, guild.members[user_id]) for user_id in found]


def search_members(call: Call) -> Answer:
    guild = call.guild()
    found = call.site.world.find_users(guild, call.query["query"], int(call.query.get("limit", 1)))
    return [member_json(call.view, member) for member in found]


def member(call: Call) -> Answer:
    return member_json(call.view, _member(call, call.guild()))


def change_member(call: Call) -> Answer:
    guild = call.guild()
    found = _member(call, guild)
    fields = call.fields
    if "nick" in fields:
        own = found.user_id == call.user.id
        _demand(call, guild, Permission.CHANGE_NICKNAME if own else Permission.MANAGE_NICKNAMES)
        found.nick = fields["nick"]
    if "roles" in fields:
        _demand(call, guild, Permission.MANAGE_ROLES)
        found.roles = [int(role_id) for role_id in fields["roles"]]
    acts.member_changed(call.site, guild, found)
    return member_json(call.view, found)


def give_role(call: Call) -> Answer:
    guild = call.guild()
    found = _member(call, guild)
    _demand(call, guild, Permission.MANAGE_ROLES)
    role_id = _role(call, guild).id
    if role_id not in found.roles:
        found.roles.append(role_id)
        acts.member_changed(call.site, guild, found)
    return None


def take_role(call: Call) -> Answer:
    guild = call.guild()
    found = _member(call, guild)
    _demand(call, guild, Permission.MANAGE_ROLES)
    role_id = call.id("role_id")
    if role_id in found.roles:
        found.roles.remove(role_id)
        acts.member_changed(call.site, guild, found)
    return None


def roles(call: Call) -> Answer:
    return [role_json(role) for role in call.guild().roles.values()]


def create_role(call: Call) -> Answer:
    guild = call.guild()
    _demand(call, guild, Permission.MANAGE_ROLES)
    role = add_role(call.site.world, guild, "new role")
    _settle_role(role, call.fields)
    acts.role_changed(call.site, guild, role, created=True)
    return role_json(role)


def change_role(call: Call) -> Answer:
    guild = call.guild()
    _demand(call, guild, Permission.MANAGE_ROLES)
    role = _role(call, guild)
    _settle_role(role, call.fields)
    acts.role_changed(call.site, guild, role)
    return role_json(role)


def delete_role(call: Call) -> Answer:
    guild = call.guild()
    _demand(call, guild, Permission.MANAGE_ROLES)
    acts.delete_role(call.site, guild, _role(call, guild))
    return None


def kick(call: Call) -> Answer:
    guild = call.guild()
    _demand(call, guild, Permission.KICK_MEMBERS)
    acts.leave(call.site, guild, call.site.world.users[_member(call, guild).user_id])
    return None


def ban(call: Call) -> Answer:
    guild = call.guild()
    _demand(call, guild, Permission.BAN_MEMBERS)
    acts.ban(call.site, guild, _user(call))
    return None


def unban(call: Call) -> Answer:
    guild = call.guild()
    _demand(call, guild, Permission.BAN_MEMBERS)
    if call.id("user_id") not in guild.banned:
        raise errors.DiscordError(404, 10026, "Unknown Ban")
    acts.ban(call.site, guild, _user(call), banned=False)
    return None


def _user(call: Call) -> User:
    found = call.site.world.users.get(call.id("user_id"))
    if found is None:
        raise errors.unknown_user()
    return found


def _role(call: Call, guild: Guild) -> Role:
    found = guild.roles.get(call.id("role_id"))
    if found is None:
        raise errors.unknown_role()
    return found


def _settle_role(role: Role, fields: Json) -> None:
    role.name = fields.get("name") or role.name
    if fields.get("permissions") is not None:
        role.permissions = int(fields["permissions"])
    colors = fields.get("colors") or {}
    role.color = colors.get("primary_color", fields.get("color", role.color)) or 0
    role.mentionable = bool(fields.get("mentionable", role.mentionable))


def _member(call: Call, guild: Guild) -> Member:
    found = guild.members.get(call.id("user_id") if "user_id" in call.path else call.user.id)
    if found is None:
        raise errors.unknown_member()
    return found


def _demand(call: Call, guild: Guild, permission: Permission) -> None:
    if not in_guild(guild, guild.members[call.user.id]) & permission:
        raise errors.missing_permissions()


_GUILD = "/guilds/{guild_id}"

ROUTES = (
    Route("GET", _GUILD, fetch),
    Route("DELETE", "/users/@me/guilds/{guild_id}", leave),
    Route("GET", _GUILD + "/members", members),
    Route("GET", _GUILD + "/members/search", search_members),
    Route("PATCH", _GUILD + "/members/@me", change_member),
    Route("GET", _GUILD + "/members/{user_id}", member),
    Route("PATCH", _GUILD + "/members/{user_id}", change_member),
    Route("PUT", _GUILD + "/members/{user_id}/roles/{role_id}", give_role),
    Route("DELETE", _GUILD + "/members/{user_id}/roles/{role_id}", take_role),
    Route("DELETE", _GUILD + "/members/{user_id}", kick),
    Route("PUT", _GUILD + "/bans/{user_id}", ban),
    Route("DELETE", _GUILD + "/bans/{user_id}", unban),
    Route("GET", _GUILD + "/roles", roles),
    Route("POST", _GUILD + "/roles", create_role),
    Route("PATCH", _GUILD + "/roles/{role_id}", change_role),
    Route("DELETE", _GUILD + "/roles/{role_id}", delete_role),
)
