"""Projects, ideas and weeks by commands, forms, menus and buttons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontends.discord import bot as bot_module
from frontends.discord.places import account
from services.domain.calls import ToolCall
from services.domain.people import Author, Role
from services.llm.model import PromptRole
from services.projects.rules import Asker
from services.projects.tools import project_tools
from tests.discord_standin.founding import add_channel, add_guild
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import command_app, conversation_in, newcomer, told, used
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def thinking(request: Any) -> str:
    """Propose tasks or sum up, whatever is asked."""
    question = request.messages[-1].content
    if "checklist" in question:
        tasks = ["1. Buy a bulb", "Solder", "solder", "", "x" * 150, "@everyone **wire**"]
        return json.dumps({"tasks": tasks})
    if "Sum up a week" in question:
        return json.dumps({"summary": "A fine week."})
    return "Hello."


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("projects", "ideas", "weeks"))
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    async with command_app(town, ScriptedModel(thinking), tmp_path) as app:
        yield app


async def begun(town, person, title="Lamp", /, **options):
    """Start a project by its form and return what everybody sees of it."""
    asked = person.uses(town.general, town.bot, "project start", **options)
    await town.until(lambda: asked.answer_type == 9)
    done = person.submits(asked, title=title, description="It *glows*.", tags="light, wood")
    text = (await told(town, person, done))[0]
    assert "A project begins" in text, text
    return done, text


def labels(message):
    found = (one for one in walk(message.components) if one["type"] == 2)
    return [(one["label"], one["emoji"]["name"]) for one in found]


async def shown(town, person, asked):
    """Return the message a command was answered with."""
    await told(town, person, asked)
    return person.answers_to(asked)[0]


async def test_a_project_begins_with_a_thread_and_a_checklist_that_is_only_offered(town, live):
    done, text = await begun(town, town.bob)
    [thread] = town.standin.world.threads_of(town.guild.id)
    assert f"<#{thread.id}>" in text
    assert r"It \*glows\*." in text
    assert thread.name == "Lamp"
    await told(town, town.bob, done, count=2)
    offer = next(m for m in town.bob.answers_to(done) if m.components)
    assert offer.shown_only_to == town.bob.user.id
    assert "Buy a bulb" in offer.content
    assert "x" * 101 not in offer.content
    assert offer.content.casefold().count("solder") == 1
    assert "no tasks" in await used(town, town.bob, "project checklist list", project=1)
    town.bob.clicks(offer, "Add these tasks")
    await town.until(lambda: "3 tasks are added" in offer.content)
    info = await used(town, town.bob, "project info", id=1)
    assert "Buy a bulb" in info
    assert "[0/3]" in info
    status = await used(town, town.bob, "project status", filter="active")
    assert status.count("Lamp") == 1
    assert "no such projects" in await used(town, town.bob, "project status", filter="completed")


async def test_buttons_tick_tasks_for_those_who_may(town, live):
    await begun(town, town.bob, plan=False)
    for label in ("Solder", "**Paint** it\nred"):
        await used(town, town.bob, "project checklist add", project=1, task=label)
    asked = town.bob.uses(town.general, town.bot, "project checklist list", project=1)
    message = await shown(town, town.bob, asked)
    assert r"\*\*Paint\*\* it red" in message.content
    assert labels(message) == [("1", "⬜"), ("2", "⬜")]
    carol = newcomer(town, "Carol")
    refused = carol.clicks(message, "2")
    assert "Only whoever has or created it" in (await told(town, carol, refused))[0]
    town.bob.clicks(message, "2")
    await town.until(lambda: ("2", "✅") in labels(message))
    town.alice.clicks(message, "2")  # owns the server
    await town.until(lambda: ("2", "⬜") in labels(message))
    given = await used(town, town.bob, "project checklist assign", task=2, member=carol.user)
    assert "Carol" in given
    carol.clicks(message, "2")
    await town.until(lambda: "[1/2]" in message.content)
    assert "Only" in await used(town, carol, "project checklist remove", task=2)
    assert "✅" in await used(town, town.bob, "project checklist toggle", task=1)
    assert "Deleted" in await used(town, town.bob, "project checklist remove", task=2)
    gone = carol.clicks(message, "2")
    assert "no task 2" in (await told(town, carol, gone))[0]


async def test_the_longest_lists_fit_into_a_message_that_is_changed(town, live):
    await begun(town, town.bob, "*" * 100, plan=False)
    services = live.app.factory.project_services()
    place = conversation_in(live, town.general)
    bob = Author(id=account(town.bob.user.id), display_name="Bob")
    asker = Asker(author=bob, role=Role.MEMBER, conversation=place)
    await services.tasks.add_all(asker, 1, ["_" * 100] * 25)
    for number in range(1, 26):
        await services.tasks.assign(asker, number, "me")
    asked = town.bob.uses(town.general, town.bot, "project checklist list", project=1)
    message = await shown(town, town.bob, asked)
    assert len(labels(message)) == 20
    town.bob.clicks(message, "20")
    await town.until(lambda: labels(message)[19] == ("20", "✅"))
    asked = town.bob.uses(town.general, town.bot, "project checklist list", project=1, page=2)
    second = await shown(town, town.bob, asked)
    town.bob.clicks(second, "25")
    await town.until(lambda: [one for one in labels(second) if one == ("25", "✅")])
    assert len(labels(second)) == 5


async def test_task_buttons_outlive_a_restart(town, tmp_path):
    async with command_app(town, ScriptedModel(thinking), tmp_path):
        await begun(town, town.bob, plan=False)
        await used(town, town.bob, "project checklist add", project=1, task="Solder")
        asked = town.bob.uses(town.general, town.bot, "project checklist list", project=1)
        message = await shown(town, town.bob, asked)
    async with command_app(town, ScriptedModel(thinking), tmp_path):
        town.bob.clicks(message, "1")
        await town.until(lambda: labels(message) == [("1", "✅")])


async def test_a_project_is_put_away_by_its_owners_even_when_its_thread_is_gone(town, live):
    await begun(town, town.bob, plan=False)
    carol = newcomer(town, "Carol")
    assert "Only its owners" in await used(town, carol, "project archive", id=1)
    [thread] = town.standin.world.threads_of(town.guild.id)
    town.alice.closes(thread)
    await town.until(lambda: not town.standin.world.threads_of(town.guild.id))
    said = await used(town, town.bob, "project archive", id=1, outcome="completed")
    assert "completed" in said
    assert "🏁" in said
    assert "no project 9" in await used(town, town.bob, "project info", id=9)


async def test_without_permission_for_threads_there_is_a_project_all_the_same(town, live):
    denied = Permission.CREATE_PUBLIC_THREADS
    town.alice.overwrites(town.general, town.bot.user, deny=denied)
    _, text = await begun(town, town.bob, plan=False)
    assert "It has no thread: I lack a permission" in text
    assert "Lamp" in await used(town, town.bob, "project status")


async def test_another_server_knows_nothing_of_these_numbers(town, live):
    await begun(town, town.bob, plan=False)
    await used(town, town.bob, "project checklist add", project=1, task="Solder")
    await used(town, town.bob, "idea quick", title="A kite")
    world = town.standin.world
    other = add_guild(world, "Elsewhere", owner=town.alice.user, members=(town.bot.user,))
    den = add_channel(world, other, "den")
    for name, options in (
        ("project info", {"id": 1}),
        ("project archive", {"id": 1}),
        ("project note", {"id": 1}),
        ("project checklist list", {"project": 1}),
        ("project checklist toggle", {"task": 1}),
        ("project checklist remove", {"task": 1}),
        ("idea delete", {"id": 1}),
    ):
        said = await used(town, town.alice, name, den, **options)
        assert said.startswith("There is no "), name
    offered = town.alice.fills_in(den, town.bot, "project info", "id", id="")
    await town.until(lambda: offered.answer_type == 8)
    assert not offered.answer_data["choices"]


async def test_ideas_are_kept_picked_and_deleted(town, live):
    nothing = await used(town, town.bob, "idea random")
    assert "no ideas" in nothing
    assert "no ideas" in await used(town, town.bob, "idea pick")
    await used(town, town.bob, "idea quick", title="A kite")
    asked = town.bob.uses(town.general, town.bot, "idea add")
    await town.until(lambda: asked.answer_type == 9)
    done = town.bob.submits(asked, title="A <@1> robot", description="that dances")
    assert "dances" in (await told(town, town.bob, done))[0]
    listed = await used(town, town.bob, "idea list")
    assert listed.index("robot") < listed.index("kite")
    carol = newcomer(town, "Carol")
    assert "Only whoever had it" in await used(town, carol, "idea delete", id=1)
    asked = carol.uses(town.general, town.bot, "idea pick")
    menu = await shown(town, carol, asked)
    picked = carol.selects(menu, "acore:idea:pick", "2")
    await town.until(lambda: town.standin.world.threads_of(town.guild.id))
    await town.until(lambda: any("An idea begins" in m.content for m in carol.answers_to(picked)))
    assert "project 1" in await used(town, carol, "idea list")
    assert "kite" in await used(town, town.bob, "idea random")
    assert "Deleted" in await used(town, town.alice, "idea delete", id=1)


async def test_a_week_starts_is_looked_back_at_and_summed_up(town, live):
    await begun(town, town.bob, plan=False)
    await used(town, town.bob, "project checklist add", project=1, task="Solder")
    await used(town, town.bob, "project checklist add", project=1, task="Paint")
    await used(town, town.bob, "project checklist toggle", task=1)
    await used(town, town.bob, "idea quick", title="A kite")
    asked = town.bob.uses(town.general, town.bot, "week start")
    message = await shown(town, town.bob, asked)
    assert "[1/2]" in message.content
    assert "A kite" in message.content
    form = town.alice.clicks(message, "Start a project")
    await town.until(lambda: form.answer_type == 9)
    begun_by_button = town.alice.submits(form, title="Robot")
    assert "Robot" in (await told(town, town.alice, begun_by_button))[0]
    retro = await used(town, town.bob, "week retro")
    assert "█████░░░░░" in retro
    assert "A fine week." in retro
    assert retro.count("\n- ") == 3
    summary = await used(town, town.bob, "week summary")
    assert "Projects started: 2" in summary
    assert "Tasks done: 1" in summary


async def test_a_model_that_fails_costs_nothing(town, tmp_path):
    model = ScriptedModel(Script(text="no JSON at all"))
    async with command_app(town, model, tmp_path):
        done, text = await begun(town, town.bob)
        assert "Lamp" in text
        retro = await used(town, town.bob, "week retro")
        assert "What went well" in retro
        assert len(town.bob.answers_to(done)) == 1


def obeying(request: Any) -> Script | str:
    """Call what the stored note demands, as a model that falls for it would."""
    last = request.messages[-1]
    if last.role is PromptRole.TOOL:
        return "As you say."
    if request.tools and "delete" in last.content:
        call = ToolCall(id="1", name="delete_task", arguments={"task_id": 1})
        return Script(calls=[call], finish="tool_calls")
    return "Hello."


@pytest.mark.parametrize(("pressed", "kept"), [("Yes", False), ("No", True)])
async def test_a_character_deletes_a_task_only_after_a_yes(town, tmp_path, pressed, kept):
    async with command_app(town, ScriptedModel(obeying), tmp_path) as live:
        services = live.app.factory.project_services()
        for tool in project_tools(services):
            live.app.factory.toolbox().add(tool)
        await begun(town, town.bob, plan=False)
        await used(town, town.bob, "project checklist add", project=1, task="Solder")
        town.bob.mentions(town.general, town.bot.user, "delete task 1")

        def question():
            posted = town.general.messages.values()
            return [m for m in posted if "acore:yes" in str(m.components)]

        await town.until(question)
        assert "Solder" in await used(town, town.bob, "project info", id=1)
        town.bob.clicks(question()[0], pressed)
        await town.until(
            lambda: any("As you say" in m.content for m in town.general.messages.values())
        )
        assert ("Solder" in await used(town, town.bob, "project info", id=1)) is kept


async def test_notes_are_written_read_and_quoted_as_text(town, live):
    await begun(town, town.bob, plan=False)
    hostile = "@everyone [click](http://x.test) **now**"
    said = await used(town, town.bob, "project note", id=1, text=hostile)
    assert r"\*\*now\*\*" in said
    assert "Bob" in await used(town, newcomer(town, "Carol"), "project note", id=1)


async def test_brrr_shows_that_all_runs(town, live):
    said = await used(town, town.bob, "brrr")
    assert "**Servers** 1" in said
    assert "**Active projects** 0" in said
    assert "scripted" in said


async def test_a_private_place_has_projects_of_its_own(town, live):
    await begun(town, town.bob, plan=False)
    message = town.bob.writes_to(town.bot, "hello")
    private = town.standin.world.channels[message.channel_id]
    assert "no project 1" in await used(town, town.bob, "project info", private, id=1)
    asked = town.bob.uses(private, town.bot, "project start", plan=False)
    await town.until(lambda: asked.answer_type == 9)
    done = town.bob.submits(asked, title="Diary")
    text = (await told(town, town.bob, done))[0]
    assert "Diary" in text
    assert "thread" not in text
    assert "Diary" in await used(town, town.bob, "project status", private)
    assert "Diary" not in await used(town, town.bob, "project status")
