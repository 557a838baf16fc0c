"""Commands for people's notes, on Discord and at the terminal."""

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
    monkeypatch.setattr(bot_module, "COGS", ("notes",))
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path) as app:
        yield app


async def test_notes_are_private_until_they_are_shared(town, live):
    alice, bob = town.alice, town.bob
    said = await used(town, alice, "note", content="buy *milk*", category="Shopping")
    assert said == "Written down as note 1 in shopping."
    assert await used(town, alice, "notes list") == r"**1** [shopping] buy \*milk\*"
    assert await used(town, bob, "notes list") == "There are none."
    assert "You have no note 1" in await used(town, bob, "notes show", number=1)
    assert await used(town, bob, "notes shared") == "There are none."
    said = await used(town, alice, "notes share", number=1)
    assert said.endswith("shares:\n**1** [shopping]\nbuy *milk*")
    assert r"buy \*milk\*" in await used(town, bob, "notes shared")
    await used(town, alice, "notes withdraw", number=1)
    assert await used(town, bob, "notes shared") == "There are none."


async def test_notes_are_changed_found_pinned_and_deleted(town, live):
    alice = town.alice
    await used(town, alice, "note", content="@everyone comes to <@1>")
    await used(town, alice, "note", content="call the dentist")
    assert "Changed" in await used(town, alice, "notes edit", number=2, content="call mum")
    assert "call mum" in await used(town, alice, "notes search", query="mum")
    assert "is pinned" in await used(town, alice, "notes pin", number=1)
    assert (await used(town, alice, "notes list")).startswith("📌 **1**")
    asked = alice.uses(town.general, town.bot, "notes share", number=1)
    await told(town, alice, asked)
    shown = alice.answers_to(asked)[0]
    assert not shown.mentions
    assert not shown.mention_everyone
    assert await used(town, alice, "delnote", number=2) == "Note 2 is deleted."
    asked = alice.uses(town.general, town.bot, "clearnotes")
    assert (await told(town, alice, asked))[0] == "Delete 1 of your notes?"
    alice.clicks(alice.answers_to(asked)[0], label="Delete")
    await town.until(lambda: alice.answers_to(asked)[0].content == "Notes deleted: 1.")


async def test_all_of_it_can_be_done_at_the_terminal(tmp_path):
    out = io.StringIO()
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        place = ConversationId("console", "local", "main")
        talk = Talk(app.factory, view=JsonView(out), author=SAM, conversation=place)

        async def last(line):
            await talk.hear(line)
            return json.loads(out.getvalue().splitlines()[-1])

        assert (await last("/note [Shopping] milk"))["notes"][0]["category"] == "shopping"
        assert (await last("/note call mum"))["notes"][0]["number"] == 2
        assert len((await last("/notes"))["notes"]) == 2
        assert len((await last("/notes shopping"))["notes"]) == 1
        assert (await last("/notes search milk"))["notes"][0]["number"] == 1
        assert (await last("/notes edit 1 oat milk"))["notes"][0]["content"] == "oat milk"
        assert (await last("/notes show 1"))["notes"][0]["content"] == "oat milk"
        assert (await last("/notes pin 1"))["notes"][0]["pinned"]
        assert not (await last("/notes unpin 1"))["notes"][0]["pinned"]
        assert (await last("/notes share 2"))["notes"][0]["shared"]
        assert len((await last("/notes shared"))["notes"]) == 1
        assert not (await last("/notes withdraw 2"))["notes"][0]["shared"]
        assert "oat milk" in (await last("/notes export"))["markdown"]
        assert (await last("/notes show x"))["code"] == "notes_usage"
        assert (await last("/delnote 99"))["code"] == "note_unknown"
        await last("/delnote 2")
        assert (await last("/clearnotes all"))["deleted"] == 1
