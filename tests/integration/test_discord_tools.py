"""Commands about tools, and those that roll, choose, calculate and convert."""

from __future__ import annotations

import pytest

from frontends.discord import bot as bot_module
from services.toolbox.spec import ToolSpec
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import command_app, used
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.toolbox.test_selection import BASICS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("tools", "chance"))
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    kit: list[ToolSpec] = list(BASICS)
    async with command_app(town, ScriptedModel(), tmp_path, tools=kit) as app:
        yield app


async def test_admins_choose_what_characters_may_do_and_others_do_not(town, live):
    shown = await used(town, town.alice, "tools list")
    assert "`calculate`" in shown
    assert "forbidden" not in shown
    said = await used(town, town.alice, "tools deny", tool="calculation", width="server")
    assert said == "`calculation`: forbidden in this server."
    shown = await used(town, town.bob, "tools list")
    assert "`calculate` (forbidden here)" in shown
    said = await used(town, town.bob, "tools allow", tool="calculate")
    assert "may not" in said
    said = await used(town, town.alice, "tools allow", tool="calculate", member=town.bob.user)
    assert str(town.bob.user.id) in said
    assert "`calculate`: " in await used(town, town.bob, "tools list")
    assert "Rules taken away: 1" in await used(town, town.alice, "tools reset", tool="*")
    assert "did you mean calculate" in await used(town, town.alice, "tools deny", tool="calculat")
    assert "character" in await used(town, town.alice, "tools deny", tool="*", character="nobody")


async def test_chance_and_numbers(town, live):
    assert await used(town, town.bob, "roll", dice="2d1") == "🎲 2d1: 1 + 1 = 2"
    assert "Write dice as" in await used(town, town.bob, "roll", dice="many")
    assert await used(town, town.bob, "choose", options="*tea*, *tea*") == r"\*tea\*"
    assert await used(town, town.bob, "calculate", expression="6*7") == r"6\*7 = 42"
    assert "too large" in await used(town, town.bob, "calculate", expression="9**9**9")
    said = await used(town, town.bob, "convert", amount=5.0, unit="km", into="mile")
    assert said == "5 km = 3.106856 mi"
    said = await used(town, town.bob, "convert", amount=5.0, unit="km", into="kg")
    assert "do not measure the same" in said
