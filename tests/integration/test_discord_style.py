"""Commands about how somebody is answered."""

from __future__ import annotations

import pytest

from frontends.discord import bot as bot_module
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import command_app, newcomer, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("style",))
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path) as app:
        yield app


async def form(town, person):
    asked = person.uses(town.general, town.bot, "style set")
    await town.until(lambda: asked.answer_type == 9)
    return asked


async def test_style_is_set_in_a_form_shown_and_cleared(town, live):
    carol = newcomer(town, "Carol")
    done = carol.submits(await form(town, carol), words="Call me *captain*.")
    assert "Call me" in (await told(town, carol, done))[0]
    again = await form(town, carol)
    assert "Call me *captain*." in str(again.answer_data), "what holds stands in the form"
    shown = await used(town, carol, "style show")
    assert r"\*captain\*" in shown
    assert "as each character likes" in await used(town, town.bob, "style show")
    assert "as each character likes" in await used(town, carol, "style clear")


async def test_presets_are_chosen_by_name(town, live):
    assert "(hype)" in await used(town, newcomer(town, "Carol"), "style preset", name="hype")


async def test_clearing_nothing_is_fine_for_a_newcomer(town, live):
    said = await used(town, newcomer(town, "Carol"), "style clear")
    assert "as each character likes" in said


async def test_many_commands_in_a_row_are_slowed_down(town, live):
    said = [await used(town, town.bob, "style show") for _ in range(11)]
    assert "try again in" in said[-1]
