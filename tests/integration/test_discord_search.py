"""Searching, the weather and currencies as commands of the bot."""

from __future__ import annotations

import re
from typing import Any

import pytest
from discord import app_commands

from frontends.discord import bot as bot_module
from services.domain.ids import AuthorId
from services.domain.people import Role
from services.people.scopes import Scope
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.outside import outside
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

MONEY: dict[str, Any] = {"from": "usd", "to": "EUR"}
BARE = re.compile(r"(?<!<)https?://")


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("search", "lookups"))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)


@pytest.fixture
async def world():
    async with outside() as found:
        yield found


@pytest.fixture
async def town():
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, world, tmp_path):
    model = ScriptedModel(
        "It is 330 m tall [1], see http://127.0.0.1/tower, not https://evil.example/?q=1."
    )
    async with command_app(
        town, model, tmp_path, search=world.search, lookups=world.lookups
    ) as app:
        yield app


async def shown(town, person, name, **options):
    asked = person.uses(town.general, town.bot, name, **options)
    await told(town, person, asked)
    return person.answers_to(asked)[0]


def links(message):
    return [part["url"] for part in walk(message.components) if part.get("url")]


async def test_questions_are_answered_for_all_with_sources_and_links(town, live):
    message = await shown(town, town.bob, "ask", question="How tall is the tower?")
    first, *_ = message.content.splitlines()
    assert first == "It is 330 m tall [1], see <http://127.0.0.1/tower>, not (link removed)."
    assert "-# [1] Iron \\<@1> \\[tower](" in message.content
    assert "<http://127.0.0.1/tower>" in message.content
    assert "10.0.0.1" not in message.content
    assert links(message) == ["http://127.0.0.1/tower"]
    assert not BARE.search(message.content)


async def test_results_are_listed_and_finding_nothing_is_said(town, live, world):
    message = await shown(town, town.bob, "search", query="tower")
    assert "**1.** Iron" in message.content
    assert links(message) == ["http://127.0.0.1/tower", "http://10.0.0.1/other"]
    assert not BARE.search(message.content)
    world.found.clear()
    assert await used(town, town.bob, "search", query="tower") == "Nothing was found."
    assert "Nothing was found" in await used(town, town.bob, "ask", question="Why?")


async def test_weather_and_currency_answer(town, live):
    assert "Texas" in await used(town, town.bob, "weather", place="Paris, Texas")
    said = await used(town, town.bob, "currency", amount="100", **MONEY)
    assert said.startswith("100.00 USD = 80.00 EUR")
    assert "20 November 2026" in said


async def test_what_cannot_be_done_is_said_in_a_sentence(town, live, world):
    assert "No place of that name" in await used(town, town.bob, "weather", place="Nowhere")
    assert "Write the amount" in await used(town, town.bob, "currency", amount="9**9", **MONEY)
    world.data.status = 500
    assert "has trouble" in await used(town, town.bob, "weather", place="Paris")
    assert "cannot be fetched" in await used(town, town.bob, "currency", amount="1", **MONEY)


async def test_blocked_people_are_served_by_none_of_them(town, live):
    await live.app.factory.permissions().block(
        AuthorId("discord", str(town.bob.user.id)), Scope.everywhere(), by=Role.OWNER
    )
    for name, options in (
        ("ask", {"question": "Why?"}),
        ("search", {"query": "x"}),
        ("weather", {"place": "Paris"}),
        ("currency", {"amount": "1", **MONEY}),
    ):
        assert "not answered here" in await used(town, town.bob, name, **options)
