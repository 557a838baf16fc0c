"""Commands about oneself: personas, zones and accounts."""

from __future__ import annotations

import pytest
from discord import app_commands

from frontends.discord import bot as bot_module
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.people.arrivals import Arrivals
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import answer_in, command_app, newcomer, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("me",))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    async with command_app(town, ScriptedModel("As you say."), tmp_path) as app:
        yield app


async def offered(town, person, command, option, **typed):
    asked = person.fills_in(town.general, town.bot, command, option, **typed)
    await town.until(lambda: asked.answer_type == 8)
    return [one["value"] for one in asked.answer_data["choices"]]


async def clicked(town, person, command, label, **options):
    asked = person.uses(town.general, town.bot, command, **options)
    await told(town, person, asked)
    [message] = person.answers_to(asked)
    person.clicks(message, label)
    await town.until(lambda: not message.components)
    return message.content


async def test_newcomers_are_never_met_with_a_stack_trace(town, live):
    carol = newcomer(town, "Carol")
    assert "no personas" in await used(town, carol, "me list")
    assert "no persona called" in await used(town, carol, "me show", name="x")
    assert "no persona called" in await used(town, carol, "me delete", name="x")
    assert "no persona called" in await used(town, carol, "me edit", name="x", new_name="y")
    assert "no time zone" in await used(town, carol, "me timezone")
    assert "no time zone" in await used(town, carol, "me timezone", zone="none")
    assert "No account has entered" in await used(town, carol, "me link-confirm")
    profile = await used(town, carol, "me profile")
    assert "**Carol**" in profile
    assert "0 messages" in profile


async def test_personas_are_made_shown_changed_and_deleted(town, live):
    assert "yours" in await used(town, town.bob, "me add", name="Rook", description="A smith.")
    assert "A smith." in await used(town, town.bob, "me show", name="rook")
    assert "no persona called" in await used(town, town.alice, "me show", name="Rook")
    assert "already" in await used(town, town.bob, "me add", name="rook")
    await used(town, town.bob, "me edit", name="Rook", new_name="Raven", description="A thief.")
    listed = await used(town, town.bob, "me list")
    assert "Raven" in listed
    assert "A thief." in listed
    assert "Give" in await used(town, town.bob, "me edit", name="Raven")
    await clicked(town, town.bob, "me delete", "Cancel", name="Raven")
    assert "Raven" in await used(town, town.bob, "me list")
    assert "gone" in await clicked(town, town.bob, "me delete", "Delete", name="Raven")
    assert "no personas" in await used(town, town.bob, "me list")


async def test_character_sees_whom_one_chose_to_be(town, live):
    await used(town, town.bob, "me add", name="Rook", description="A smith from the hills.")
    assert await offered(town, town.bob, "me use", "name", name="ro") == ["Rook"]
    assert await offered(town, town.bob, "me use", "name", name="") == ["Rook", "none"]
    await used(town, town.bob, "me use", name="Rook")
    assert "Here you are Rook" in await used(town, town.bob, "me profile")
    town.bob.mentions(town.general, town.bot.user, "hello")
    await answer_in(town, town.general, "As you say.")
    prompt = "\n".join(one.content for one in live.app.model.requests[-1].messages)
    assert "A smith from the hills." in prompt
    await used(town, town.bob, "me use", name="none")
    assert "Here you are Bob" in await used(town, town.bob, "me profile")


async def test_personas_hold_with_a_character_or_always(town, live):
    await used(town, town.bob, "me add", name="Rook")
    said = await used(
        town, town.bob, "me use", name="Rook", where="with a character", character="orin"
    )
    assert "with Orin" in said
    missing = await used(town, town.bob, "me use", name="Rook", where="with a character")
    assert "which character" in missing
    await used(town, town.bob, "me use", name="Rook", where="always")
    assert "(with Orin, always)" in await used(town, town.bob, "me list")


async def test_zone_is_chosen_by_name_or_city(town, live):
    assert (await offered(town, town.bob, "me timezone", "zone", zone="europe/berl")) == [
        "Europe/Berlin"
    ]
    assert "Europe/Berlin" in await used(town, town.bob, "me timezone", zone="berlin")
    assert "Europe/Berlin" in await used(town, town.bob, "me timezone")
    assert "no time zone called" in await used(town, town.bob, "me timezone", zone="Atlantis")
    assert "no time zone" in await used(town, town.bob, "me timezone", zone="none")


async def test_accounts_are_linked_only_once_the_first_agrees(town, live):
    factory = live.app.factory
    other = Author(id=AuthorId("console", "bob"), display_name="Bob at home")
    arrivals = Arrivals(database=factory.database(), people=factory.people(), clock=factory.clock())
    before = await arrivals.note(other)
    shown = await used(town, town.bob, "me link")
    code = shown.split("`")[1]
    await factory.account_links().claim(code, other.id)
    assert await arrivals.note(other) == before
    assert "one person" in await clicked(town, town.bob, "me link-confirm", "That is me")
    here = Author(id=AuthorId("discord", str(town.bob.user.id)), display_name="Bob")
    assert await arrivals.note(other) == await arrivals.note(here)


async def test_code_of_another_account_is_entered_here(town, live):
    factory = live.app.factory
    other = Author(id=AuthorId("console", "bob"), display_name="Bob at home")
    arrivals = Arrivals(database=factory.database(), people=factory.people(), clock=factory.clock())
    await arrivals.note(other)
    made = await factory.account_links().begin(other.id)
    assert "does not hold" in await used(town, town.alice, "me link", code="ABC-DEF-GHJ-KMN")
    assert "Bob at home" in await used(town, town.bob, "me link", code=made.code)


async def test_declined_link_voids_the_code(town, live):
    factory = live.app.factory
    other = Author(id=AuthorId("console", "eve"), display_name="Eve")
    arrivals = Arrivals(database=factory.database(), people=factory.people(), clock=factory.clock())
    await arrivals.note(other)
    code = (await used(town, town.bob, "me link")).split("`")[1]
    await factory.account_links().claim(code, other.id)
    await clicked(town, town.bob, "me link-confirm", "Cancel")
    assert "No account has entered" in await used(town, town.bob, "me link-confirm")


async def test_profile_tells_how_close_characters_are(town, live):
    town.bob.mentions(town.general, town.bot.user, "thank you, you are wonderful")
    await answer_in(town, town.general, "As you say.")
    await live.app.factory.learner().caught_up()
    profile = await used(town, town.bob, "me profile")
    assert "stranger (1 of 100)" in profile
    assert "1 messages" in profile
