"""Commands about the servers whose tools are used, for the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.mcp_text import server_pages, server_text
from frontends.discord.paging import show_pages
from services.mcp.service import McpServers

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Server = app_commands.Range[str, 1, 24]
_WHICH = "The server, by its name in the settings."


class McpCog(commands.Cog, name="Tool servers"):
    """Which servers' tools are used."""

    mcp = app_commands.Group(name="mcp", description="Servers whose tools are used.")

    def __init__(self, servers: McpServers) -> None:
        self._servers = servers

    @mcp.command(name="list", description="Show the tool servers and what waits for approval.")
    async def list(self, interaction: Interaction) -> None:
        """Show every server."""
        who = await asked(interaction)
        await show_pages(interaction, server_pages(self._servers.overview(role=who.role)))

    @mcp.command(name="approve", description="Allow the tools of a server that the list showed.")
    @app_commands.describe(server=_WHICH)
    async def approve(self, interaction: Interaction, server: Server) -> None:
        """Approve a server's tools."""
        who = await asked(interaction)
        await answer(interaction, server_text(await self._servers.approve(server, role=who.role)))

    @mcp.command(name="enable", description="Use a server's approved tools.")
    @app_commands.describe(server=_WHICH)
    async def enable(self, interaction: Interaction, server: Server) -> None:
        """Switch a server on."""
        who = await asked(interaction)
        view = await self._servers.switch(server, enabled=True, role=who.role)
        await answer(interaction, server_text(view))

    @mcp.command(name="disable", description="Use none of a server's tools.")
    @app_commands.describe(server=_WHICH)
    async def disable(self, interaction: Interaction, server: Server) -> None:
        """Switch a server off."""
        who = await asked(interaction)
        view = await self._servers.switch(server, enabled=False, role=who.role)
        await answer(interaction, server_text(view))


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    await bot.add_cog(McpCog(bot.services.mcp_servers()))
