"""Who is blocked or has been given a role, and what somebody may do to whom."""

from __future__ import annotations

from collections.abc import Iterable

import discord

from frontends.discord.asking import Asked, bot_of
from frontends.discord.places import account, role_of
from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.people import Role
from services.people.permissions import Stored
from services.people.scopes import Scope, ScopeKind

_WHERE = {
    ScopeKind.CHANNEL: "in this channel",
    ScopeKind.GUILD: "in this server",
    ScopeKind.GLOBAL: "everywhere",
}


async def check_target(
    interaction: discord.Interaction, who: Asked, target: discord.User | discord.Member
) -> None:
    """Raise ``NotAllowed`` unless whoever asks stands above ``target``.

    Raises ``InvalidRequest`` for the bot itself and for whoever asks.
    """
    if target.id in (interaction.user.id, interaction.client.application_id):
        raise InvalidRequest("target_self", "Choose somebody else.")
    bot = bot_of(interaction)
    permissions = target.resolved_permissions if isinstance(target, discord.Member) else None
    rules = await bot.services.places().of(who.conversation)
    given = role_of(target, permissions=permissions, admins=rules.admin_roles)
    if bot.owns(target.id):
        given = Role.OWNER
    standing = await bot.services.permissions().standing(
        account(target.id), who.conversation, given=given
    )
    if standing.role >= who.role:
        raise NotAllowed("target_role", "That person may do as much as you here, or more.")


def scope_of(who: Asked, *, everywhere: bool) -> Scope:
    """Return the server, or all of them."""
    return Scope.everywhere() if everywhere else Scope.guild(who.conversation)


def stored_lines(stored: Iterable[Stored], *, blocks: bool) -> list[str]:
    """Return a line per block, or per role that was given."""
    return [
        f"<@{one.account.user}>: {role_name(one.role)} {_WHERE[one.scope.kind]}"
        for one in stored
        if (one.role is None) == blocks
    ]


def role_name(role: Role | None) -> str:
    """Return a role as people read it."""
    return "blocked" if role is None else role.name.lower()
