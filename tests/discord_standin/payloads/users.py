"""JSON of users, members, roles and applications."""

from __future__ import annotations

from tests.discord_standin.entities import Bot, Guild, Member, Role, User
from tests.discord_standin.payloads.view import Json, View, stamp

_GATEWAY_FLAGS = {1 << 8: 1 << 12, 1 << 1: 1 << 14, 1 << 15: 1 << 18}
"""Privileged intent to the application flag that shows it is on; the larger of each pair
(presence 12, members 14, message content 18) means a bot in a hundred guilds or more."""


def user_json(user: User) -> Json:
    found: Json = {
        "id": str(user.id),
        "username": user.username,
        "avatar": user.avatar,
        "discriminator": "0000" if user.bot else "0",
        "public_flags": 0,
        "flags": 0,
        "banner": None,
        "accent_color": None,
        "global_name": user.global_name,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }
    if user.bot:
        found["bot"] = True
    return found


def self_json(user: User) -> Json:
    """Return the bot's own account."""
    return user_json(user) | {
        "mfa_enabled": True,
        "locale": "en-US",
        "premium_type": 0,
        "email": None,
        "verified": True,
    }


def member_json(view: View, member: Member, *, with_user: bool = True) -> Json:
    found: Json = {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": stamp(member.joined_at),
        "nick": member.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(role_id) for role_id in member.roles],
        "mute": False,
        "deaf": False,
    }
    if with_user:
        found["user"] = user_json(view.world.users[member.user_id])
    return found


def role_json(role: Role) -> Json:
    found: Json = {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": role.color,
        "colors": {
            "primary_color": role.color,
            "secondary_color": None,
            "tertiary_color": None,
        },
        "hoist": False,
        "managed": role.managed_by is not None,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if role.managed_by is not None:
        found["tags"] = {"bot_id": str(role.managed_by)}
    return found


def application_json(view: View, bot: Bot) -> Json:
    """Return the application as its own bot sees it."""
    flags = sum(flag << 1 for intent, flag in _GATEWAY_FLAGS.items() if bot.privileged & intent)
    guilds = sum(bot.user.id in guild.members for guild in view.world.guilds.values())
    return {
        "id": str(bot.application_id),
        "name": bot.user.username,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user_json(bot.user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": flags,
        "flags_new": str(flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_json(view.world.users[bot.owner_id]),
        "approximate_guild_count": guilds,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
    }


def members_json(view: View, guild: Guild) -> list[Json]:
    return [member_json(view, member) for member in guild.members.values()]
