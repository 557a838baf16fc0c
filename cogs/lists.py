"""Commands for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.list_acting import ListActing
from services.lists.values import LONGEST_NAME

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Name = app_commands.Range[str, 1, LONGEST_NAME]
Number = app_commands.Range[int, 1, 2**31 - 1]
_cooldown = app_commands.checks.cooldown(15, 30.0)
_NAME, _LINE = "The list's name.", "The line's number."


class ListsCog(commands.GroupCog, group_name="list", group_description="Lists to tick off."):
    """Shopping, packing, whatever is ticked off."""

    def __init__(self, *, acting: ListActing) -> None:
        self._acting = acting

    @app_commands.command(name="all", description="Show your lists, and those shared here.")
    @_cooldown
    async def every(self, interaction: Interaction) -> None:
        await self._acting.all(interaction)

    @app_commands.command(description="Show a list.")
    @app_commands.describe(name=_NAME)
    @_cooldown
    async def show(self, interaction: Interaction, name: Name) -> None:
        await self._acting.show(interaction, name)

    @app_commands.command(description="Put things on a list, which is made if there is none.")
    @app_commands.describe(
        name=_NAME,
        items="What to put on it, with commas between.",
        shared="Whether a new list belongs to everybody here.",
    )
    @_cooldown
    async def add(
        self,
        interaction: Interaction,
        name: Name,
        items: app_commands.Range[str, 1, 2000],
        shared: bool = False,  # noqa: FBT001  an option of the command
    ) -> None:
        await self._acting.add(interaction, name, items, shared=shared)

    @app_commands.command(description="Mark a line as done, or as to do if it was done.")
    @app_commands.describe(name=_NAME, number=_LINE)
    @_cooldown
    async def tick(self, interaction: Interaction, name: Name, number: Number) -> None:
        await self._acting.tick(interaction, name, number)

    @app_commands.command(description="Take a line off a list, or all that are done.")
    @app_commands.describe(name=_NAME, number="The line's number; all that are done without it.")
    @_cooldown
    async def remove(
        self, interaction: Interaction, name: Name, number: Number | None = None
    ) -> None:
        await self._acting.remove(interaction, name, number)

    @app_commands.command(description="Delete a list.")
    @app_commands.describe(name=_NAME)
    @_cooldown
    async def delete(self, interaction: Interaction, name: Name) -> None:
        await self._acting.delete(interaction, name)

    @show.autocomplete("name")
    @add.autocomplete("name")
    @tick.autocomplete("name")
    @remove.autocomplete("name")
    @delete.autocomplete("name")
    async def _names(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await self._acting.names(interaction, typed)


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(ListsCog(acting=ListActing(bot.services.lists())))
