"""Commands for which tools characters may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.choosing import ranked
from frontends.discord.paging import answer_pages
from frontends.discord.tool_views import rule_made, standing_lines, subject
from services.conversation.choices import Choices
from services.conversation.tool_permissions import ToolPermissions
from services.conversation.tool_rules import EVERY_TOOL
from services.people.scopes import ScopeKind
from services.persona.library import CharacterLibrary

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

Width = Literal["channel", "server"]
Suggestions = list[app_commands.Choice[str]]
_WIDTHS = {"channel": ScopeKind.CHANNEL, "server": ScopeKind.GUILD}
_DESCRIBED = {
    "tool": "A tool, a kind of tools, or * for all of them.",
    "member": "Only what this member asks for.",
    "character": "Only this character.",
    "width": "Whether it holds in this channel (or thread) alone or in the whole server.",
}


class ToolsCog(
    commands.GroupCog, group_name="tools", group_description="What characters can do for you."
):
    """What characters may do, where and for whom."""

    def __init__(
        self, *, permissions: ToolPermissions, choices: Choices, library: CharacterLibrary
    ) -> None:
        self._permissions = permissions
        self._choices = choices
        self._library = library

    @app_commands.command(name="list", description="List the tools, and which you may use here.")
    async def listed(self, interaction: discord.Interaction) -> None:
        """List every tool."""
        who = await asked(interaction)
        persona = await self._choices.persona(who.conversation)
        standing = await self._permissions.standing(
            who.conversation, persona, by=who.author, role=who.role
        )
        rules = await self._permissions.rules(who.conversation)
        await answer_pages(interaction, standing_lines(standing, rules))

    @app_commands.command(description="Let a tool be used here.")
    @app_commands.describe(**_DESCRIBED)
    async def allow(
        self,
        interaction: discord.Interaction,
        tool: str,
        member: discord.User | None = None,
        character: str | None = None,
        width: Width = "channel",
    ) -> None:
        """Allow a tool."""
        await self._put(interaction, tool, member, character, width, allow=True)

    @app_commands.command(description="Forbid a tool here.")
    @app_commands.describe(**_DESCRIBED)
    async def deny(
        self,
        interaction: discord.Interaction,
        tool: str,
        member: discord.User | None = None,
        character: str | None = None,
        width: Width = "channel",
    ) -> None:
        """Forbid a tool."""
        await self._put(interaction, tool, member, character, width, allow=False)

    @app_commands.command(description="Take away the rules about a tool here.")
    @app_commands.describe(tool=_DESCRIBED["tool"], width=_DESCRIBED["width"])
    async def reset(
        self, interaction: discord.Interaction, tool: str, width: Width = "channel"
    ) -> None:
        """Take rules away."""
        who = await asked(interaction)
        dropped = await self._permissions.drop(
            who.conversation, tool, width=_WIDTHS[width], by=who.author, role=who.here
        )
        await answer(interaction, f"Rules taken away: {dropped}.")

    async def _put(
        self,
        interaction: discord.Interaction,
        tool: str,
        member: discord.User | None,
        character: str | None,
        width: Width,
        *,
        allow: bool,
    ) -> None:
        who = await asked(interaction)
        persona = None if character is None else self._library.find(character)
        rule = rule_made(tool, allow=allow, member=member, persona=persona)
        await self._permissions.put(
            who.conversation, rule, width=_WIDTHS[width], by=who.author, role=who.here
        )
        verb = "allowed" if allow else "forbidden"
        await answer(interaction, f"{subject(rule, persona)}: {verb} in this {width}.")

    @allow.autocomplete("tool")
    @deny.autocomplete("tool")
    @reset.autocomplete("tool")
    async def _tools(self, _interaction: discord.Interaction, typed: str) -> Suggestions:
        return ranked(typed, [(one, one) for one in (EVERY_TOOL, *self._permissions.names())])

    @allow.autocomplete("character")
    @deny.autocomplete("character")
    async def _characters(self, _interaction: discord.Interaction, typed: str) -> Suggestions:
        return ranked(typed, [(one.name, one.slug) for one in self._library.all()])


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    await bot.add_cog(
        ToolsCog(
            permissions=services.tool_permissions(),
            choices=services.choices(),
            library=services.library(),
        )
    )
