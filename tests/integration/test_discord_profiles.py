"""What people see of themselves, and notes about others that need a yes."""

from __future__ import annotations

import io
import json

import pytest
from discord import app_commands

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from frontends.discord import bot as bot_module
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.memory.rights.service import Requester
from services.memory.rights.statements import Statement
from services.people.scopes import Scope
from tests.discord_standin.scene import scene
from tests.fakes.app import KIM, SAM, opened_app
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("me", "memory", "profiles"))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)
    async with scene(limits=False) as place:
        yield place


async def test_people_see_what_is_known_of_them_and_how_close_they_are(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path) as live:
        bob = town.bob
        await used(town, bob, "memory add", key="city", value="Bern")
        await used(town, bob, "me add", name="Captain")
        profile = await used(town, bob, "my_profile")
        assert "lives in Bern" in profile
        assert "Captain" in profile
        assert "1 facts" in profile
        asked = bob.uses(town.general, town.bot, "my_profile")
        await told(town, bob, asked)
        assert not town.alice.answers_to(asked), "nobody else sees it"
        said = await used(town, bob, "relationship")
        assert "stranger" in said
        assert "0 of 100" in said
        persona = live.app.factory.library().all()[0]
        assert persona.name in await used(town, bob, "relationship", character=persona.slug)
        assert "Bern" not in await used(town, town.alice, "my_profile")
        missing = await used(town, bob, "relationship", character="nobody at all")
        assert "stranger" not in missing


async def test_a_note_can_be_agreed_to_after_a_restart_by_the_person_alone(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path) as live:
        alice, bob = town.alice, town.bob
        asked = alice.uses(town.general, town.bot, "remember", user=bob.user, note="likes tea")
        await told(town, bob, asked)
        [question] = bob.answers_to(asked)
        again = await used(town, alice, "remember", user=bob.user, note="Likes  tea")
        assert "already" in again
        assert "likes tea" in await used(town, bob, "my_profile")
        permissions = live.app.factory.permissions()
        await permissions.block(
            AuthorId("discord", str(alice.user.id)), Scope.everywhere(), by=Role.OWNER
        )
        said = await used(town, alice, "remember", user=bob.user, note="likes cake")
        assert "not answered" in said
        await permissions.unblock(
            AuthorId("discord", str(alice.user.id)), Scope.everywhere(), by=Role.OWNER
        )
    async with command_app(town, ScriptedModel(), tmp_path) as live:
        refused = alice.clicks(question, "Allow")
        assert "Only the person" in (await told(town, alice, refused))[0]
        bob.clicks(question, "Allow")
        await town.until(lambda: "agreed" in question.content)
        facts = await live.app.factory.memory_rights().facts(
            Requester(account=AuthorId("discord", str(bob.user.id)))
        )
        assert [one.value for one in facts] == ["likes tea"]
        asked = alice.uses(town.general, town.bot, "remember", user=bob.user, note="owns a boat")
        await told(town, bob, asked)
        [question] = bob.answers_to(asked)
        bob.clicks(question, "No")
        await town.until(lambda: question.content == "Nothing was stored.")
        said = await used(town, alice, "remember", user=bob.user, note="owns a car")
        assert "no lately" in said


async def test_profile_and_proposals_at_the_terminal(tmp_path):
    out = io.StringIO()
    async with opened_app(tmp_path, ScriptedModel()) as app:
        place = ConversationId("console", "local", "main")
        talk = Talk(app.factory, view=JsonView(out), author=SAM, conversation=place)

        async def last(line):
            await talk.hear(line)
            return json.loads(out.getvalue().splitlines()[-1])

        assert (await last("/profile"))["facts"] == 0
        persona = app.factory.library().all()[0]
        statement = Statement(value="likes tea", name="Sam", persona=persona.id, conversation=place)
        proposals = app.factory.proposals()
        await proposals.propose(statement, about=SAM, by=KIM)
        other = Author(id=AuthorId("test", "lee"), display_name="Lee")
        boat = Statement(value="owns a boat", name="Sam", persona=persona.id, conversation=place)
        await proposals.propose(boat, about=SAM, by=other)
        assert [one["number"] for one in (await last("/proposals"))["proposals"]] == [1, 2]
        assert len((await last("/proposals yes 1"))["proposals"]) == 1
        assert (await last("/proposals no 2"))["proposals"] == []
        assert (await last("/proposals yes 2"))["code"] == "proposal_unknown"
        assert (await last("/proposals maybe"))["code"] == "proposals_usage"
        assert [one["value"] for one in (await last("/profile"))["known"]] == ["likes tea"]
        assert (await last("/relationship"))["stage"] == "stranger"
        assert (await last(f"/relationship {persona.slug}"))["character"] == persona.name
