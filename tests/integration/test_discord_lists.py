"""Commands and buttons of lists and polls, on Discord and at the terminal."""

from __future__ import annotations

import io
import json

import pytest

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from frontends.discord import bot as bot_module
from services.domain.ids import ConversationId
from tests.discord_standin.scene import scene
from tests.fakes.app import SAM, opened_app
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("lists", "polls"))
    async with scene(limits=False) as place:
        yield place


async def test_lists_on_discord(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path):
        alice, bob = town.alice, town.bob
        said = await used(town, alice, "list add", name="Shopping", items="milk, *eggs*")
        assert said == "**shopping**\n1. milk\n2. \\*eggs\\*"
        assert "no list called" in await used(town, bob, "list show", name="shopping")
        assert "~~milk~~" in await used(town, alice, "list tick", name="shopping", number=1)
        assert "milk" not in await used(town, alice, "list remove", name="shopping")
        await used(town, alice, "list add", name="party", items="cake", shared=True)
        assert "balloons" in await used(town, bob, "list add", name="party", items="balloons")
        assert await used(town, bob, "list all") == "**party** (shared here)"
        assert "Only who made" in await used(town, bob, "list delete", name="party")
        assert await used(town, alice, "list delete", name="party") == "The list is deleted."


async def test_votes_are_counted_by_buttons_also_after_a_restart(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path):
        alice, bob = town.alice, town.bob
        asked = alice.uses(town.general, town.bot, "poll ask", question="Tea?", options="yes, no")
        await told(town, alice, asked)
        message = alice.answers_to(asked)[0]
        bob.clicks(message, label="yes")
        await town.until(lambda: "1 yes" in message.content)
    async with command_app(town, ScriptedModel(), tmp_path):
        bob.clicks(message, label="no")
        await town.until(lambda: "1 no" in message.content and "0 yes" in message.content)
        assert "Only who asked" in await used(town, bob, "poll close", number=1)
        assert "(closed)" in await used(town, alice, "poll close", number=1)
        late = bob.clicks(message, label="yes")
        assert "closed" in (await told(town, bob, late))[0]
        assert "1 no" in await used(town, bob, "poll show", number=1)
        assert "Tea?" in await used(town, bob, "poll list")
        assert "2 to 10" in await used(town, alice, "poll ask", question="Only?", options="one")


async def test_all_of_it_can_be_done_at_the_terminal(tmp_path):
    out = io.StringIO()
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        place = ConversationId("console", "local", "main")
        talk = Talk(app.factory, view=JsonView(out), author=SAM, conversation=place)

        async def last(line):
            await talk.hear(line)
            return json.loads(out.getvalue().splitlines()[-1])

        assert len((await last("/list add shopping: milk, eggs"))["lists"][0]["items"]) == 2
        assert (await last("/list tick shopping: 1"))["lists"][0]["items"][1]["done"]
        assert len((await last("/list clean shopping"))["lists"][0]["items"]) == 1
        assert (await last("/list remove shopping: 2"))["lists"][0]["items"] == []
        assert (await last("/list"))["lists"][0]["name"] == "shopping"
        assert (await last("/list add shopping"))["code"] == "list_usage"
        assert (await last("/list delete shopping"))["lists"] == []
        assert (await last("/list nothing"))["code"] == "list_unknown"
        assert (await last("/poll ask Tea? yes, no"))["polls"][0]["votes"] == {"yes": 0, "no": 0}
        assert (await last("/poll vote 1 2"))["polls"][0]["votes"] == {"yes": 0, "no": 1}
        assert (await last("/poll show 1"))["polls"][0]["people"] == 1
        assert (await last("/poll close 1"))["polls"][0]["closed"]
        assert len((await last("/poll"))["polls"]) == 1
        assert (await last("/poll vote"))["code"] == "poll_usage"
