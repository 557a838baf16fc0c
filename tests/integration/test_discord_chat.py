"""Talking to a character by command: /chat, /stop and the menu of messages."""

from __future__ import annotations

import pytest

from frontends.discord import bot as bot_module
from frontends.discord.places import account
from services.domain.people import Author, Role
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import (
    answer_in,
    attached,
    command_app,
    conversation_in,
    eventually,
    newcomer,
    told,
    used,
)
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("chat",))


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


def asked_of(model):
    return "\n".join(str(message) for message in model.requests[-1].messages)


async def test_chat_shows_the_words_to_all_and_the_answer_has_working_buttons(town, tmp_path):
    model = ScriptedModel(["Good evening.", "A very good evening."])
    async with command_app(town, model, tmp_path) as live:
        asked = town.bob.uses(town.general, town.bot, "chat", message="are you *there*?\nhello")
        said = await answer_in(town, town.general, "Good evening.")
        [shown] = town.alice.answers_to(asked)
        assert shown.content == "> **Bob:** are you *there*?\n> hello"
        assert "are you *there*?" in asked_of(model)
        here = conversation_in(live, town.general)
        words = await eventually(lambda: live.app.conversations.found(here, str(shown.id)))
        reply = await eventually(lambda: live.app.conversations.found(here, str(said.id)))
        assert (words.text, reply.text) == ("are you *there*?\nhello", "Good evening.")
        town.bob.clicks(said, "🔁")
        await town.until(lambda: "A very good evening." in said.content)


async def test_chat_is_answered_where_the_bot_may_neither_look_nor_write(town, tmp_path):
    hidden = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES
    town.alice.overwrites(town.general, town.bot.user, deny=hidden)
    async with command_app(town, ScriptedModel("I hear you."), tmp_path):
        asked = town.bob.uses(town.general, town.bot, "chat", message="psst")
        await town.until(
            lambda: any("I hear you." in one.content for one in town.alice.answers_to(asked))
        )
        await town.until(lambda: "⏹" not in str(town.alice.answers_to(asked)[-1].components))


async def test_chat_works_in_direct_messages(town, tmp_path):
    async with command_app(town, ScriptedModel("Just the two of us."), tmp_path):
        direct = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
        town.bob.uses(direct, town.bot, "chat", message="hello")
        await answer_in(town, direct, "Just the two of us.")


async def test_refusal_of_a_chat_is_told_to_whoever_asked_alone(town, tmp_path):
    model = ScriptedModel("no")
    async with command_app(town, model, tmp_path) as live:
        alice = Author(id=account(town.alice.user.id), display_name="Alice")
        here = conversation_in(live, town.general)
        await live.app.factory.places().change(here, "muted", "on", by=alice, role=Role.OWNER)
        asked = town.bob.uses(town.general, town.bot, "chat", message="hello")
        await town.until(lambda: len(town.bob.answers_to(asked)) == 2)
        assert town.bob.answers_to(asked)[1].shown_only_to == town.bob.user.id
        assert not model.requests


async def test_stop_is_for_the_asker_and_keeps_what_was_shown(town, tmp_path):
    pieces = [f"word{n} " for n in range(400)]
    model = ScriptedModel(Script(pieces=pieces, token_seconds=0.05))
    async with command_app(town, model, tmp_path):
        carol = newcomer(town, "Carol")
        assert await used(town, carol, "stop") == "Nothing is being said here."
        town.bob.uses(town.general, town.bot, "chat", message="tell me everything")
        await town.until(
            lambda: any("word0" in one.content for one in town.general.messages.values())
        )
        refused = carol.uses(town.general, town.bot, "stop")
        await town.until(lambda: carol.answers_to(refused))
        assert "Only the person who asked" in carol.answers_to(refused)[0].content
        stopped = town.bob.uses(town.general, town.bot, "stop")
        await town.until(lambda: town.bob.answers_to(stopped))
        assert town.bob.answers_to(stopped)[0].content == "Stopped."
        said = await answer_in(town, town.general, "word0")
        assert "word399" not in said.content


async def test_character_answers_somebodys_message_from_its_menu(town, tmp_path):
    model = ScriptedModel("Because it is Tuesday.")
    async with command_app(town, model, tmp_path):
        said = town.alice.says(town.general, "why is it so quiet?")
        asked = town.bob.uses_on(said, town.bot, "Reply as character")
        await answer_in(town, town.general, "Because it is Tuesday.")
        assert "> why is it so quiet?" in asked_of(model)
        assert town.alice.answers_to(asked) == [], "only Bob is told that it was asked"


async def test_long_words_are_shown_cut_but_heard_whole(town, tmp_path):
    model = ScriptedModel("Long.")
    words = "\n".join(f"line {n}" for n in range(400))[:4000]
    async with command_app(town, model, tmp_path):
        asked = town.bob.uses(town.general, town.bot, "chat", message=words)
        await answer_in(town, town.general, "Long.")
        [shown] = town.bob.answers_to(asked)
        assert len(shown.content) <= 2000
        assert "line 399" in asked_of(model)


async def test_file_given_to_chat_is_kept_with_the_message(town, tmp_path):
    async with command_app(town, ScriptedModel("A picture!"), tmp_path) as live:
        file = attached(town.bob, town.general, "note.txt", b"milk, bread", "text/plain")
        asked = town.bob.uses(town.general, town.bot, "chat", message="look", file=file)
        await answer_in(town, town.general, "A picture!")
        here = conversation_in(live, town.general)
        [shown] = town.bob.answers_to(asked)
        entry = await eventually(lambda: live.app.conversations.found(here, str(shown.id)))
        [kept] = entry.message.attachments
        assert (kept.name, kept.size) == ("note.txt", 11)


async def test_message_without_anything_to_answer_is_refused(town, tmp_path):
    model = ScriptedModel("no")
    async with command_app(town, model, tmp_path):
        empty = town.alice.says(town.general, "")
        asked = town.bob.uses_on(empty, town.bot, "Reply as character")
        assert "nothing in that message" in (await told(town, town.bob, asked))[0]
        assert not model.requests
