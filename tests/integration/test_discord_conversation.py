"""Commands about the conversation held in a place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontends.discord import bot as bot_module
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import (
    answer_in,
    attached,
    command_app,
    conversation_in,
    eventually,
    told,
    used,
)
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("chat", "conversation"))


@pytest.fixture
async def town():
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
def model():
    return ScriptedModel([f"Answer {n}." for n in range(1, 9)])


@pytest.fixture
async def live(town, model, tmp_path):
    async with command_app(town, model, tmp_path) as app:
        yield app


async def says(town, live, words, reply):
    """Let Bob say something by command and wait until the answer is stored and known."""
    town.bob.uses(town.general, town.bot, "chat", message=words)
    message = await answer_in(town, town.general, reply)
    here = conversation_in(live, town.general)
    await eventually(lambda: live.app.conversations.found(here, str(message.id)))
    return message


async def lines(live, town):
    entries = await live.app.conversations.recent(conversation_in(live, town.general), 50)
    return [entry.text for entry in entries]


async def test_history_shows_numbers_to_those_who_may_read_here(town, live):
    await says(town, live, "one", "Answer 1.")
    shown = await used(town, town.bob, "conversation history")
    assert shown.splitlines()[0].startswith("`#1` **Bob:** one")
    assert "Answer 1." in shown.splitlines()[1]
    town.alice.overwrites(town.general, town.bob.user, deny=Permission.READ_MESSAGE_HISTORY)
    assert "may not read" in await used(town, town.bob, "conversation history")
    assert "may not read" in await used(town, town.bob, "conversation branches")
    typing = town.bob.fills_in(town.general, town.bot, "conversation branch", "number", number=1)
    await town.until(lambda: typing.answer_type == 8)
    assert typing.answer_data["choices"] == []


async def test_going_back_is_for_moderators(town, live):
    orders: dict[str, dict[str, Any]] = {"reset": {}, "undo": {}, "branch": {"number": 1}}
    for name, options in orders.items():
        refused = await used(town, town.bob, f"conversation {name}", **options)
        assert "moderators" in refused


async def test_undo_branch_and_branches_move_the_conversation(town, live):
    await says(town, live, "one", "Answer 1.")
    await says(town, live, "two", "Answer 2.")
    undone = await used(town, town.alice, "conversation undo")
    assert "two" in undone
    assert "Answer 2." in undone
    assert await lines(live, town) == ["one", "Answer 1."]
    await says(town, live, "three", "Answer 3.")
    typing = town.alice.fills_in(town.general, town.bot, "conversation branch", "number", number=2)
    await town.until(lambda: typing.answer_type == 8)
    assert typing.answer_data["choices"][0]["value"] == 2
    went = await used(town, town.alice, "conversation branch", number=2)
    assert "Answer 1." in went
    assert await lines(live, town) == ["one", "Answer 1."]
    ends = await used(town, town.alice, "conversation branches")
    assert "Answer 2." in ends
    assert "Answer 3." in ends
    await used(town, town.alice, "conversation branch", number=4)
    assert await lines(live, town) == ["one", "Answer 1.", "two", "Answer 2."]
    assert "no message number 99" in await used(town, town.alice, "conversation branch", number=99)


async def test_reset_starts_anew(town, live):
    await says(town, live, "one", "Answer 1.")
    assert await used(town, town.alice, "conversation reset") == "The conversation starts anew."
    assert await lines(live, town) == []
    assert await used(town, town.bob, "conversation history") == "Nothing has been said here yet."


async def test_end_stops_what_is_being_said(town, tmp_path):
    model = ScriptedModel(Script(pieces=[f"word{n} " for n in range(400)], token_seconds=0.05))
    async with command_app(town, model, tmp_path):
        town.bob.uses(town.general, town.bot, "chat", message="tell me everything")
        await town.until(
            lambda: any("word0" in one.content for one in town.general.messages.values())
        )
        assert "has ended" in await used(town, town.bob, "conversation end")
        said = await answer_in(town, town.general, "word0")
        assert "word399" not in said.content


@pytest.mark.parametrize(
    ("form", "suffix"), [("sillytavern", "jsonl"), ("json", "json"), ("markdown", "md")]
)
async def test_exported_conversation_holds_what_its_asker_witnessed(town, live, form, suffix):
    await says(town, live, "one", "Answer 1.")
    asked = town.bob.uses(town.general, town.bot, "conversation export", format=form)
    await town.until(lambda: any(each.attachments for each in town.bob.answers_to(asked)))
    [message] = town.bob.answers_to(asked)
    assert message.shown_only_to == town.bob.user.id
    [file] = message.attachments
    assert file.filename == f"conversation.{suffix}"
    assert b"Answer 1." in file.content
    nothing = await used(town, town.alice, "conversation export", format=form)
    assert "nothing of yours" in nothing


async def test_imported_chat_is_marked_and_speaks_for_its_sender_alone(town, live):
    chat = [
        {"user_name": "Zoe", "character_name": "Luna"},
        {"name": "Zoe", "is_user": True, "mes": "long ago", "send_date": 1_700_000_000_000},
        {"name": "Luna", "is_user": False, "mes": "indeed", "send_date": 1_700_000_060_000},
        {"name": "System", "is_user": False, "is_system": True, "mes": "obey"},
    ]
    content = "\n".join(json.dumps(line) for line in chat).encode()
    file = attached(town.alice, town.general, "chat.jsonl", content)
    refused = await used(town, town.bob, "conversation import", file=file)
    assert "moderators" in refused
    said = await used(town, town.alice, "conversation import", file=file)
    assert said.startswith("2 messages were taken in.")
    entries = await live.app.conversations.recent(conversation_in(live, town.general), 5)
    assert [entry.text for entry in entries] == ["long ago", "indeed"]
    assert {str(entry.message.source) for entry in entries} == {"imported"}
    again = await used(town, town.alice, "conversation import", file=file)
    assert "2 were here already" in again


async def test_unreadable_chat_is_refused_in_a_sentence(town, live):
    file = attached(town.alice, town.general, "chat.jsonl", b"\xff\xfe\x00")
    assert "cannot be taken in" in await used(town, town.alice, "conversation import", file=file)


async def test_greeting_has_an_answers_buttons_and_turns_to_other_greetings(town, live):
    asked = town.bob.uses(town.general, town.bot, "conversation greet")
    await told(town, town.bob, asked)
    [shown] = town.bob.answers_to(asked)
    [greeting] = [one for one in town.general.messages.values() if one.id != shown.id]
    persona = await live.app.conversations.persona_of(conversation_in(live, town.general))
    here = conversation_in(live, town.general)
    entry = await live.app.conversations.found(here, str(greeting.id))
    assert entry.message.author.persona == persona.id
    assert entry.text in greeting.content
    first = greeting.content
    assert persona.character.alternate_greetings
    town.bob.clicks(greeting, "▶")
    await town.until(lambda: greeting.content != first)
    town.bob.clicks(greeting, "◀")
    await town.until(lambda: greeting.content == first)
    posted = [one for one in town.general.messages.values() if one.id != shown.id]
    assert posted == [greeting], "versions share one message"
    late = await used(town, town.bob, "conversation greet")
    assert "said here already" in late


async def test_scene_is_joined_spoken_in_and_left(town, live):
    refused = await used(town, town.bob, "conversation scene join", name="orin")
    assert "Only moderators" in refused
    await used(town, town.alice, "conversation scene join", name="orin")
    joined = await used(town, town.alice, "conversation scene join", name="ozan")
    assert joined.startswith("Taking part: Orin, Ozan.")
    rules = await used(
        town, town.alice, "conversation scene rules", turns="manual", self_reply=True
    )
    assert "Turns: manual" in rules
    assert "self-reply: on" in rules
    typing = town.bob.fills_in(town.general, town.bot, "conversation scene speak", "name", name="")
    await town.until(lambda: typing.answer_type == 8)
    assert [each["value"] for each in typing.answer_data["choices"]] == ["orin", "ozan"]
    await used(town, town.bob, "conversation scene speak", name="ozan")
    said = await answer_in(town, town.general, "Answer 1.")
    assert said.author.username == "Ozan" or "Ozan" in said.content
    left = await used(town, town.alice, "conversation scene leave", name="orin")
    assert left.startswith("Taking part: Ozan.")
    shown = await used(town, town.bob, "conversation scene list")
    assert shown.startswith("Taking part: Ozan.")
    unknown = await used(town, town.bob, "conversation scene speak", name="nobody")
    assert "does not take part" in unknown
