"""Searching, the weather and currencies as commands of the console."""

from __future__ import annotations

import io
import json

import pytest

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from tests.fakes.app import opened_app
from tests.fakes.outside import outside
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HERE = ConversationId("console", "local", "main")
ME = Author(id=AuthorId("console", "me"), display_name="Me")


@pytest.fixture
async def said(tmp_path):
    """A way to type a line and see the one thing that was shown."""
    async with (
        outside() as world,
        opened_app(
            tmp_path,
            ScriptedModel("It is 330 m tall [1]\x1b[2J [4]."),
            search=world.search,
            lookups=world.lookups,
        ) as app,
    ):
        out = io.StringIO()
        talk = Talk(app.factory, view=JsonView(out), author=ME, conversation=HERE)

        async def type_in(line):
            out.seek(0)
            out.truncate()
            await talk.hear(line)
            return json.loads(out.getvalue().splitlines()[-1])

        yield type_in, world


async def test_everything_is_asked_from_the_console(said):
    type_in, world = said
    answer = await type_in("/ask How tall is the tower?")
    assert answer["answer"].startswith("It is 330 m tall [1]")
    assert "[4]" not in answer["answer"]
    assert [source["url"] for source in answer["sources"]] == ["http://127.0.0.1/tower"]
    found = await type_in("/search tower")
    assert [one["title"] for one in found["results"]][1] == "Other"
    assert (await type_in("/weather Paris"))["place"] == "Paris, Île-de-France, France"
    money = await type_in("/currency 100 USD to EUR")
    assert (money["result"], money["day"]) == ("80", "2026-11-20")
    world.found.clear()
    assert (await type_in("/search tower"))["results"] == []


async def test_what_cannot_be_done_is_refused(said):
    type_in, world = said
    for line, code in (
        ("/currency 5", "currency_usage"),
        ("/currency x USD EUR", "currency_amount"),
        ("/weather ,", "weather_place"),
        ("/ask", "argument_missing"),
        (f"/search {'x' * 401}", "search_long"),
    ):
        assert (await type_in(line))["code"] == code, line
    world.data.status = 500
    assert (await type_in("/weather Paris"))["code"] == "provider_server_error"
