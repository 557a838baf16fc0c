"""Games on Discord and at the terminal: each command, buttons after a restart, refusals."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from discord import app_commands

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from frontends.discord import bot as bot_module
from services.domain.ids import ConversationId
from tests.discord_standin.payloads.components import walk
from tests.discord_standin.scene import scene
from tests.fakes.app import SAM, opened_app
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

OFFLINE: dict[str, Any] = {"games": {"trivia_url": "", "question_seconds": 120}}


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("trivia", "games", "stories"))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)
    async with scene(limits=False) as place:
        yield place


async def current(live, town):
    place = ConversationId("discord", str(town.guild.id), str(town.general.id))
    return await live.app.factory.trivia().current(where=place)


async def question(town, number):
    """Return the message with a question, once it stands."""

    def found():
        return [
            one
            for one in town.general.messages.values()
            if f"Question {number} of" in one.content and any(walk(one.components))
        ]

    await town.until(found)
    return found()[0]


async def chosen(town, person, message, option):
    """Let a person answer and return what they are told."""
    buttons = [one["label"] for one in walk(message.components) if one.get("type") == 2]
    return (await told(town, person, person.clicks(message, label=buttons[option])))[0]


async def test_a_game_of_trivia_is_played_by_buttons(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path, **OFFLINE) as live:
        alice, bob = town.alice, town.bob
        assert "No game" in await used(town, alice, "trivia join")
        assert "Choose of these" in await used(town, alice, "trivia start", category="cooking")
        alice.uses(town.general, town.bot, "trivia start", category="science", count=2)
        first = await question(town, 1)
        assert "runs here already" in await used(town, bob, "trivia start")
        assert "2 do now" in await used(town, bob, "trivia join")
        right = (await current(live, town)).question.right
        assert await chosen(town, alice, first, right) == "Your answer is in."
        assert "already" in await chosen(town, alice, first, right)
        await chosen(town, bob, first, (right + 1) % 4)
        second = await question(town, 2)
        assert "The answer to 1:" in second.content
        assert "Alice +" in second.content
        assert "Bob +" not in second.content
        assert "over" in await chosen(town, bob, first, right)
        assert "Only who started" in await used(town, bob, "trivia end")
        right = (await current(live, town)).question.right
        await chosen(town, alice, second, right)
        await chosen(town, bob, second, right)
        texts = town.general.messages
        await town.until(lambda: any("game is over" in one.content for one in texts.values()))
        assert (await used(town, bob, "trivia leaderboard")).startswith("1. Alice")
        assert "2 of 2 right" in await used(town, alice, "trivia stats")
        assert "`mythology` Mythology" in await used(town, bob, "trivia categories")


async def test_a_game_goes_on_after_a_restart(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path, **OFFLINE):
        town.alice.uses(town.general, town.bot, "trivia start", count=2)
        first = await question(town, 1)
    async with command_app(town, ScriptedModel(), tmp_path, **OFFLINE):
        assert await chosen(town, town.alice, first, 0) == "Your answer is in."
        await question(town, 2)
        assert "was ended" in await used(town, town.alice, "trivia end")


async def test_everybody_says_what_they_would_rather(town, tmp_path):
    async with command_app(town, ScriptedModel(), tmp_path, **OFFLINE):
        asked = town.alice.uses(town.general, town.bot, "would_you_rather", theme="food")
        await told(town, town.alice, asked)
        message = town.alice.answers_to(asked)[0]
        first, second = [one["label"] for one in walk(message.components) if one.get("type") == 2]
        town.alice.clicks(message, label=first)
        await town.until(lambda: f"1 {first}" in message.content)
    async with command_app(town, ScriptedModel(), tmp_path, **OFFLINE):
        town.bob.clicks(message, label=second)
        await town.until(lambda: f"1 {second}" in message.content)
        town.alice.clicks(message, label=second)
        await town.until(lambda: f"2 {second}" in message.content)
        assert f"0 {first}" in message.content


async def test_a_story_is_written_in_turns_with_the_character(town, tmp_path):
    model = ScriptedModel('{"text": "The lamp went *out*, @everyone."}')
    async with command_app(town, model, tmp_path, **OFFLINE):
        alice, bob = town.alice, town.bob
        assert "No story" in await used(town, alice, "story add", text="Once")
        said = await used(town, alice, "story start", title="The *lamp*", every=2)
        assert said.startswith("**1. The \\*lamp\\***")
        assert "Alice, Bob" in await used(town, bob, "story join")
        assert "turn of Alice" in await used(town, bob, "story add", text="Me!")
        assert "Once" in await used(town, alice, "story add", text="Once")
        assert "turn of Alice" in await used(town, bob, "story skip")
        alice.uses(town.general, town.bot, "story add", text="upon a time")
        texts = town.general.messages
        await town.until(lambda: any("lamp went" in one.content for one in texts.values()))
        assert "\\*out\\*" in await used(town, bob, "story show")
        asked = bob.uses(town.general, town.bot, "story export")
        await told(town, bob, asked)
        assert bob.answers_to(asked)[0].attachments[0].filename == "story.md"
        assert "Only who started" in await used(town, bob, "story end")
        assert "3 parts" in await used(town, alice, "story end")
        assert "The \\*lamp\\***" in await used(town, alice, "story list")
        assert "no such story" in await used(town, alice, "story show", number=7)


async def test_all_of_it_can_be_played_at_the_terminal(tmp_path):
    out = io.StringIO()
    model = ScriptedModel('{"text": "And then?"}')
    async with opened_app(tmp_path, model, **OFFLINE) as app:
        place = ConversationId("console", "local", "main")
        talk = Talk(app.factory, view=JsonView(out), author=SAM, conversation=place)

        async def last(line):
            await talk.hear(line)
            return json.loads(out.getvalue().splitlines()[-1])

        assert (await last("/trivia"))["code"] == "trivia_none"
        assert (await last("/trivia start cooking"))["code"] == "trivia_category"
        game = (await last("/trivia start music hard 2"))["game"]
        assert (game["count"], game["difficulty"], len(game["options"])) == (2, "hard", 4)
        assert (await last("/trivia join"))["game"]["players"] == {"Sam": 0}
        assert (await last("/trivia"))["game"]["question"] == game["question"]
        assert (await last("/trivia answer nonsense"))["code"] == "trivia_option"
        step = (await last("/trivia answer 1"))["step"]
        assert step["answer"] in game["options"]
        assert step["next"]["number"] == 2
        right = (await app.factory.trivia().current(where=place)).question.answer
        step = (await last(f"/trivia answer {right}"))["step"]
        assert step["ending"] == "finished"
        assert step["players"]["Sam"] > 0
        assert (await last("/trivia stats"))["scores"][0]["asked"] == 2
        assert (await last("/trivia leaderboard"))["scores"][0]["games"] == 1
        assert len((await last("/trivia categories"))["categories"]) == 12
        await last("/trivia start")
        assert (await last("/trivia end"))["step"]["ending"] == "stopped"
        assert (await last("/trivia nonsense"))["code"] == "trivia_usage"
        app.factory.trivia()._seconds = timedelta(0)
        await last("/trivia start music easy 3")
        late = (await last("/trivia answer 1"))["step"]
        assert late["scored"] == {}
        assert late["next"]["players"] == {"Sam": 0}, "it is not taken as an answer to the next"
        assert (await last("/trivia end"))["step"]["ending"] == "stopped"
        assert (await last("/rather travel"))["dilemma"]["theme"] == "travel"
        assert (await last("/rather 2"))["dilemma"]["votes"] == [0, 1]
        assert (await last("/rather cooking"))["code"] == "dilemma_theme"
        assert (await last("/story start Rain"))["story"]["turn"] == "Sam"
        for number in range(3):
            await last(f"/story add Part {number}")
        parts = (await last("/story add Part 3"))["story"]["parts"]
        assert parts[-1]["text"] == "And then?"
        assert "# Rain" in (await last("/story export"))["markdown"]
        assert (await last("/story skip"))["story"]["turn"] == "Sam"
        assert (await last("/story end"))["story"]["ended"]
        assert (await last("/story show 1"))["story"]["written"] == 5
        assert len((await last("/story list"))["stories"]) == 1
        assert (await last("/story"))["code"] == "story_none"
        assert (await last("/story show x"))["code"] == "story_number"
        assert (await last("/story nonsense"))["code"] == "story_usage"
