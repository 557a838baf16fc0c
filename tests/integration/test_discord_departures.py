"""Servers that throw the bot out, and servers that want to be forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from frontends.discord import bot as bot_module
from tests.discord_standin.actions import guilds
from tests.discord_standin.command_options import NotOffered
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import answer_in, command_app, eventually, told
from tests.fakes.scripted_model import ScriptedModel
from tests.unit.forgetting.world import traces

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

SECRET = "my allotment in Zwickelford grows purple kohlrabi"


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("privacy",))


@pytest.fixture
async def town():
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    async with command_app(town, ScriptedModel("I see."), tmp_path / "data") as app:
        yield app


async def known(live, town):
    return await live.app.factory.departures().known_of("discord", str(town.guild.id))


async def departed(live, *, days=31):
    departures = live.app.factory.departures()
    found = await departures.due(as_of=live.app.factory.clock().now() + timedelta(days=days))
    return [one.scope for one in found]


async def pressed(town, person):
    """Ask for the server to be forgotten, and press the button that leads to the form."""
    asked = person.uses(town.general, town.bot, "forget_server")
    await town.until(lambda: any(one.components for one in person.answers_to(asked)))
    click = person.clicks(person.answers_to(asked)[0], "Forget this server")
    await town.until(lambda: click.answer_type == 9)
    return click


async def test_a_server_that_throws_the_bot_out_is_noted_and_one_that_is_back_is_not(town, live):
    town.alice.throws_out(town.guild, town.bot.user)

    async def noted():
        return await departed(live) or None

    assert await eventually(noted) == [str(town.guild.id)]
    assert await departed(live, days=29) == []
    guilds.join(town.standin.site, town.guild, town.bot.user)

    async def taken_back():
        return True if not await departed(live) else None

    assert await eventually(taken_back)


async def test_an_admin_has_the_whole_server_forgotten(town, live, tmp_path):
    town.alice.mentions(town.general, town.bot.user, f"listen: {SECRET}")
    await answer_in(town, town.general, "I see.")
    assert (await known(live, town)).messages == 2
    click = await pressed(town, town.alice)
    refused = town.alice.submits(click, word="maybe")
    assert "nothing was erased" in (await told(town, town.alice, refused))[0]
    assert (await known(live, town)).messages == 2
    done = town.alice.submits(await pressed(town, town.alice), word="forget")
    await town.until(lambda: any("Receipt" in one.content for one in town.alice.answers_to(done)))
    assert (await known(live, town)).empty
    assert traces(tmp_path / "data", "Zwickelford") == {}
    asked = town.alice.uses(town.general, town.bot, "forget_server")
    assert await told(town, town.alice, asked) == ["Nothing is known of this server."]


async def test_the_bot_talks_on_where_it_was_forgotten(town, live):
    town.alice.mentions(town.general, town.bot.user, "hello there")
    await answer_in(town, town.general, "I see.")
    done = town.alice.submits(await pressed(town, town.alice), word="FORGET")
    await town.until(lambda: any("Receipt" in one.content for one in town.alice.answers_to(done)))
    town.alice.mentions(town.general, town.bot.user, "hello again")

    async def answered():
        return True if (await known(live, town)).messages == 2 else None

    assert await eventually(answered)


async def test_others_are_not_offered_it(town, live):
    town.alice.mentions(town.general, town.bot.user, "hello there")
    await answer_in(town, town.general, "I see.")
    with pytest.raises(NotOffered):
        town.bob.uses(town.general, town.bot, "forget_server")
