"""Talking with a character in Discord."""

import asyncio

import pytest

from tests.discord_standin.founding import add_role
from tests.discord_standin.scene import scene
from tests.fakes.discord_app import discord_app
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


async def test_a_mention_is_answered_with_the_models_words(town, tmp_path):
    model = ScriptedModel(Script(text="Good evening to you."))
    async with discord_app(town, model, tmp_path):
        town.alice.mentions(town.general, town.bot.user, "hello there")
        [said] = await town.sent()
        await town.until(lambda: said.components and "⏹" not in str(said.components))
        assert "Good evening to you." in said.content
