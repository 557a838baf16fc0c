"""Commands for who is answered and who may change what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.paging import bundled, show_pages
from frontends.discord.places import account
from frontends.discord.standings import check_target, role_name, scope_of, stored_lines
from services.domain.people import Role
from services.people.permissions import Permissions

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

Granted = Literal["guest", "member", "moderator", "admin"]
_EVERYWHERE = "In every server, not only this one; for owners of the bot."


class PeopleCog(commands.Cog, name="People"):
    """Who is answered, and who may change what."""

    role = app_commands.Group(
        name="role",
        description="What people may do here beyond their permissions on Discord.",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    def __init__(self, *, permissions: Permissions) -> None:
        self._permissions = permissions

    @app_commands.command(description="Answer somebody no more.")
    @app_commands.describe(user="Who is not answered.", everywhere=_EVERYWHERE)
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_messages=True)
    async def block(
        self,
        interaction: discord.Interaction,
        user: discord.User,
        everywhere: bool = False,  # noqa: FBT001  an option of a command
    ) -> None:
        """Keep somebody out."""
        who = await asked(interaction)
        who.need(Role.OWNER if everywhere else Role.MODERATOR)
        await check_target(interaction, who, user)
        scope = scope_of(who, everywhere=everywhere)
        await self._permissions.block(account(user.id), scope, by=who.role)
        await answer(interaction, f"{user.mention} is not answered any more.")

    @app_commands.command(description="Answer somebody again.")
    @app_commands.describe(user="Who is answered again.", everywhere=_EVERYWHERE)
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_messages=True)
    async def unblock(
        self,
        interaction: discord.Interaction,
        user: discord.User,
        everywhere: bool = False,  # noqa: FBT001  an option of a command
    ) -> None:
        """Let somebody in again."""
        who = await asked(interaction)
        who.need(Role.OWNER if everywhere else Role.MODERATOR)
        scope = scope_of(who, everywhere=everywhere)
        lifted = await self._permissions.unblock(account(user.id), scope, by=who.role)
        text = "is answered again." if lifted else "was not blocked there."
        await answer(interaction, f"{user.mention} {text}")

    @app_commands.command(description="Show who is not answered here.")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_messages=True)
    async def blocks(self, interaction: discord.Interaction) -> None:
        """List the blocks that hold here."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        lines = stored_lines(await self._permissions.stored(who.conversation), blocks=True)
        await show_pages(interaction, bundled(lines) or ["Nobody is blocked here."])

    @role.command(name="grant", description="Let somebody do more, or less, in this server.")
    @app_commands.describe(user="Who gets the role.", role="What they may do from now on.")
    async def grant(
        self, interaction: discord.Interaction, user: discord.User, role: Granted
    ) -> None:
        """Give a role."""
        who = await asked(interaction)
        who.need(Role.ADMIN)
        await check_target(interaction, who, user)
        given, scope = Role[role.upper()], scope_of(who, everywhere=False)
        await self._permissions.grant(account(user.id), scope, given, by=who.role)
        await answer(interaction, f"{user.mention} is {role_name(given)} in this server now.")

    @role.command(name="revoke", description="Take a role back that was given.")
    @app_commands.describe(user="Whose role is taken back.")
    async def revoke(self, interaction: discord.Interaction, user: discord.User) -> None:
        """Take a role back."""
        who = await asked(interaction)
        who.need(Role.ADMIN)
        scope = scope_of(who, everywhere=False)
        await self._permissions.revoke(account(user.id), scope, by=who.role)
        await answer(interaction, f"What was given to {user.mention} in this server is taken back.")

    @role.command(name="list", description="Show the roles that were given here.")
    async def list_roles(self, interaction: discord.Interaction) -> None:
        """List the roles that hold here."""
        who = await asked(interaction)
        who.need(Role.ADMIN)
        lines = stored_lines(await self._permissions.stored(who.conversation), blocks=False)
        await show_pages(interaction, bundled(lines) or ["No roles were given here."])


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    await bot.add_cog(PeopleCog(permissions=bot.services.permissions()))
