"""The manual lists every command there is, and says so when it does not."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest
from discord import app_commands

from frontends.discord.commands_docs import BEGIN, END, PAGE, commanded, current, filled, tables


async def test_every_command_is_in_the_table() -> None:
    async with commanded() as bot:
        table = tables(bot)
        found = [
            command.qualified_name
            for command in bot.tree.walk_commands(type=discord.AppCommandType.chat_input)
            if isinstance(command, app_commands.Command)
        ]
        menus = [menu.name for menu in bot.tree.get_commands(type=discord.AppCommandType.message)]
    assert len(found) > 10
    assert [name for name in found if f"| `/{name}" not in table] == []
    assert [name for name in menus if f"| {name} | " not in table] == []
    assert "|  |" not in table, "something is not described"


async def test_a_page_that_lacks_a_command_is_outdated(tmp_path: Path) -> None:
    (tmp_path / PAGE).parent.mkdir()
    (tmp_path / PAGE).write_text(f"# Before\n{BEGIN}| old |\n{END}after\n")
    page, wanted = await current(tmp_path)
    assert page != wanted
    assert wanted.startswith("# Before\n")
    assert wanted.endswith(f"{END}after\n")
    assert "| old |" not in wanted
    (tmp_path / PAGE).write_text(wanted)
    assert (await current(tmp_path))[0] == wanted


def test_a_page_without_marks_is_not_written_over() -> None:
    with pytest.raises(ValueError, match="lacks"):
        filled("# My own page\n", "table")
