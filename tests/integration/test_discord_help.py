"""The command that explains the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.discord_standin.scene import scene
from tests.fakes.discord_app import DiscordApp
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration


@pytest.fixture
async def here(tmp_path) -> AsyncIterator[DiscordApp]:
    """The bot in a town."""
    async with scene(limits=False) as town, command_app(town, ScriptedModel(), tmp_path) as found:
        yield found


async def all_pages(here: DiscordApp, person, channel=None) -> str:
    """Turn every page of /help and return what they say."""
    town = here.town
    asked = person.uses(channel or town.general, town.bot, "help")
    await told(town, person, asked)
    (shown,) = person.answers_to(asked)
    pages = [shown.content]
    while "◀" in str(shown.components):
        number, count = map(int, pages[-1].splitlines()[-1].removeprefix("-# ").split(" / "))
        if number == count:
            break
        person.clicks(shown, "▶")
        await town.until(lambda: shown.content != pages[-1])
        pages.append(shown.content)
    assert all(len(page) <= 2000 for page in pages)
    return "\n".join(pages)


def leaves(here: DiscordApp) -> list[app_commands.Command[Any, ..., Any]]:
    return [one for one in here.bot.tree.walk_commands() if isinstance(one, app_commands.Command)]


async def test_the_owner_of_a_server_sees_every_command_with_its_purpose(here):
    shown = await all_pages(here, here.town.alice)
    for command in leaves(here):
        assert f"`/{command.qualified_name}` {command.description}" in shown
    for menu in here.bot.tree.get_commands(type=discord.AppCommandType.message):
        assert f"- {menu.name}" in shown
    assert "**Models**" in shown


async def test_members_see_only_what_they_may_use(here):
    shown = await all_pages(here, here.town.bob)
    assert "`/ping`" in shown
    for command in ("role grant", "block", "logs", "setup"):
        assert f"`/{command}`" not in shown


async def test_in_private_what_needs_a_server_is_left_out(here):
    town = here.town
    private = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    shown = await all_pages(here, town.bob, private)
    assert "`/settings set`" in shown
    assert "`/listen`" not in shown
    assert "`/role grant`" not in shown


async def test_a_command_is_explained_with_its_options(here):
    shown = await used(here.town, here.town.bob, "help", command="/settings set")
    assert shown.startswith("**/settings set**\nChange a setting of this place.")
    assert "- `name`: The setting." in shown
    assert "- `width` (optional; `channel`, `server`): Whether" in shown


async def test_an_unknown_or_unusable_command_is_not_explained(here):
    for name in ("nonsense", "role grant"):
        shown = await used(here.town, here.town.bob, "help", command=name)
        assert "no such command" in shown


async def test_commands_are_offered_while_typing(here):
    town = here.town
    asked = town.bob.fills_in(town.general, town.bot, "help", "command", command="/settings")
    await town.until(lambda: asked.answer_type == 8)
    values = [one["value"] for one in asked.answer_data["choices"]]
    assert values[:3] == ["settings show", "settings set", "settings clear"]


async def test_help_speaks_the_language_of_whoever_asks(here):
    here.town.bob.user.locale = "de"
    shown = await used(here.town, here.town.bob, "help", command="ping")
    assert "Messen, wie weit Discord entfernt ist." in shown
