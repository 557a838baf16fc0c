"""What the bot's commands are and take, read off the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import discord
from discord import app_commands

from frontends.discord.paging import bundled
from services.domain.errors import NotFound

_MENUS = "In the menus of messages and people"

AnyCommand = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu
Interaction = discord.Interaction[Any]


class CommandHelp:
    """Describes the commands of a tree in the language of whoever asks.

    Of Discord's permissions those of the asker are known; a server's own rules for commands are
    not, and what roles of the bot allow the commands themselves say.
    """

    def __init__(self, tree: app_commands.CommandTree[Any]) -> None:
        self._tree = tree

    async def pages(self, interaction: Interaction) -> list[str]:
        """Return every command the asker may use, grouped as they belong together."""
        groups: dict[str, list[str]] = {}
        for command in self._offered(interaction):
            lines = groups.setdefault(_group(command), [])
            if isinstance(command, app_commands.ContextMenu):
                lines.append(f"- {command.name}")
                continue
            for one in _leaves(command):
                text = await _translated(interaction, one.description)
                lines.append(f"- `/{one.qualified_name}` {text}")
        menus = groups.pop(_MENUS, None)
        named = [*sorted(groups.items()), *([(_MENUS, menus)] if menus else [])]
        pages: list[str] = []
        for name, lines in named:
            pages += bundled([f"**{name}**", *lines])
        return bundled(pages, between="\n\n")

    def names(self, interaction: Interaction) -> Sequence[str]:
        """Return the names of what ``one`` can describe to the asker."""
        return [
            one.qualified_name
            for command in self._offered(interaction)
            if not isinstance(command, app_commands.ContextMenu)
            for one in _leaves(command)
        ]

    async def one(self, interaction: Interaction, name: str) -> str:
        """Return what a command is for and what it takes. Raises ``NotFound``."""
        wanted = " ".join(name.lstrip("/ ").split()).casefold()
        for command in self._offered(interaction):
            if isinstance(command, app_commands.ContextMenu):
                continue
            for one in _leaves(command):
                if one.qualified_name.casefold() == wanted:
                    return await _described(interaction, one)
        raise NotFound("command_unknown", "There is no such command here; /help lists them all.")

    def _offered(self, interaction: Interaction) -> Iterator[AnyCommand]:
        for command in self._tree.get_commands():
            if _may_use(command, interaction):
                yield command


def _may_use(command: AnyCommand, interaction: Interaction) -> bool:
    if interaction.guild_id is None:
        return not command.guild_only
    needed = command.default_permissions
    mine = interaction.permissions
    return needed is None or mine.administrator or needed <= mine


def _leaves(
    command: app_commands.Command[Any, ..., Any] | app_commands.Group,
) -> Iterator[app_commands.Command[Any, ..., Any]]:
    if isinstance(command, app_commands.Command):
        yield command
        return
    for one in command.walk_commands():
        if isinstance(one, app_commands.Command):
            yield one


def _group(command: AnyCommand) -> str:
    """Return the name of the cog a command belongs to, as a heading."""
    if isinstance(command, app_commands.ContextMenu):
        return _MENUS
    first = next(_leaves(command), None)
    cog = first.binding if first is not None else None
    name = getattr(cog, "qualified_name", None) or command.name
    return str(name).removesuffix("Cog")


async def _described(interaction: Interaction, command: app_commands.Command[Any, ..., Any]) -> str:
    about = await _translated(interaction, command.description)
    lines = [f"**/{command.qualified_name}**", about]
    for option in command.parameters:
        text = await _translated(interaction, str(option.description))
        notes = [] if option.required else ["optional"]
        if option.choices:
            notes.append(", ".join(f"`{choice.name}`" for choice in option.choices))
        shown = f" ({'; '.join(notes)})" if notes else ""
        lines.append(f"- `{option.display_name}`{shown}: {text}")
    return "\n".join(lines)


async def _translated(interaction: Interaction, text: str) -> str:
    return await interaction.translate(text) or text
