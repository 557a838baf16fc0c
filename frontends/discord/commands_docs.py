"""Writes the table of commands in ``docs/discord.md`` from the commands themselves.

``python -m frontends.discord.commands_docs`` writes it, ``--check`` only says whether it is
current.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.attachments import Attachments
from frontends.discord.bot import COGS, AcoreBot
from services.configuration import PROJECT
from services.factory import ServiceFactory
from services.lifecycle import Supervisor
from services.settings import Settings, StorageSettings

PAGE = Path("docs/discord.md")
BEGIN = "<!-- commands: written by python -m frontends.discord.commands_docs -->\n"
END = "<!-- end of commands -->\n"

_HEAD = "| Command | What it does | For |\n|---|---|---|\n"
_MENU_HEAD = "| In the menu of a message | What it does | For |\n|---|---|---|\n"
_MENUS = {
    "Reply as character": "Let the character that answers here answer this message.",
    "Run code": "Run the first code block of this message in the sandbox.",
    "Import card": "Make a character of the card that is attached; for owners.",
}

_DEEDS = {"administrator": "are administrators", "manage_guild": "manage the server"}

Command = app_commands.Command[Any, Any, Any]
Group = app_commands.Group


@asynccontextmanager
async def commanded() -> AsyncGenerator[AcoreBot, None]:
    """Give a bot that has its commands and talks to nobody. Raises what a broken cog raises."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(storage=StorageSettings(data=Path(folder)))
        services = ServiceFactory(settings=settings)
        async with Supervisor() as supervisor, aiohttp.ClientSession() as web:
            bot = AcoreBot(
                services,
                settings.discord,
                supervisor=supervisor,
                intents=discord.Intents.none(),
            )
            bot.attachments = Attachments(web, services.blobs())
            for name in COGS:
                await bot.load_extension(f"cogs.{name}")
            yield bot


def tables(bot: AcoreBot) -> str:
    """Return every command with what it does and who it is offered to, by cog."""
    parts = []
    for name in sorted(bot.cogs):
        rows = "".join(_row(each) for root in _roots(bot.cogs[name]) for each in _leaves(root))
        if rows:
            parts.append(f"### {name.removesuffix('Cog')}\n\n{_HEAD}{rows}")
    menus = bot.tree.get_commands(type=discord.AppCommandType.message)
    rows = "".join(_menu_row(menu) for menu in sorted(menus, key=lambda each: each.name))
    if rows:
        parts.append(f"### Menus\n\n{_MENU_HEAD}{rows}")
    return "\n".join(parts)


def filled(page: str, table: str) -> str:
    """Return ``page`` with ``table`` between its marks; raises ``ValueError`` without marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        reason = f"{PAGE} lacks the lines {BEGIN.strip()} and {END.strip()}"
        raise ValueError(reason)
    return f"{before}{begin}\n{table}\n{end}{after}"


async def current(root: Path = PROJECT) -> tuple[str, str]:
    """Return the page as it is and as it should be."""
    page = await asyncio.to_thread((root / PAGE).read_text, encoding="utf-8")
    async with commanded() as bot:
        return page, filled(page, tables(bot))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table when it is outdated, or with ``--check`` say so and return 1."""
    name = "frontends.discord.commands_docs"
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    check: bool = parser.parse_args(arguments).check
    page, wanted = asyncio.run(current())
    if page == wanted:
        return 0
    if check:
        sys.stderr.write(f"{PAGE.name} is outdated: run python -m {name}\n")
        return 1
    (PROJECT / PAGE).write_text(wanted, encoding="utf-8")
    return 0


def _roots(cog: commands.Cog) -> Sequence[Command | Group]:
    if cog.app_command is not None:
        return [cog.app_command]
    return sorted(cog.get_app_commands(), key=lambda each: each.name)


def _leaves(command: Command | Group) -> Iterator[Command]:
    if isinstance(command, app_commands.Command):
        yield command
        return
    for inner in command.commands:
        yield from _leaves(inner)


def _row(command: Command) -> str:
    options = "".join(
        f" <{each.display_name}>" if each.required else f" [{each.display_name}]"
        for each in command.parameters
    )
    root = command.root_parent or command
    return _cells(f"`/{command.qualified_name}{options}`", command.description, _audience(root))


def _menu_row(menu: app_commands.ContextMenu) -> str:
    return _cells(menu.name, _MENUS.get(menu.name, ""), _audience(menu))


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _audience(command: Command | Group | app_commands.ContextMenu) -> str:
    needed = command.default_permissions
    if needed is None:
        who = "everybody"
    else:
        names = [_DEEDS.get(name, name.replace("_", " ")) for name, value in needed if value]
        who = f"those who {' and '.join(names)}" if names else "nobody by default"
    return f"{who}, in servers" if command.guild_only else who


if __name__ == "__main__":
    sys.exit(main())
