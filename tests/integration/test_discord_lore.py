"""Commands about lorebooks: who may bind and add them, and what they would do."""

from __future__ import annotations

import json

import pytest
from discord import app_commands

from frontends.discord import bot as bot_module
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import answer_in, attached, command_app, used
from tests.fakes.lore import entry
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HARBOUR = {"entries": {"1": entry(1, "harbour", comment="The harbour", content="It is foggy.")}}


@pytest.fixture
async def town(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("lore",))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)
    async with scene(limits=False) as place:
        yield place


@pytest.fixture
async def live(town, tmp_path):
    folder = tmp_path / "lorebooks"
    folder.mkdir()
    (folder / "harbour.json").write_text(json.dumps(HARBOUR))
    (folder / "old harbour.json").write_text(json.dumps(HARBOUR))
    async with command_app(town, ScriptedModel("As you say."), tmp_path) as app:
        yield app


async def upload(town, person, content, *, channel=None, **options):
    place = channel or town.general
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    file = attached(person, place, "The town.json", content)
    return await used(town, person, "lore upload", channel=channel, file=file, **options)


async def offered(town, person, command, typed):
    asked = person.fills_in(town.general, town.bot, command, "book", book=typed)
    await town.until(lambda: asked.answer_type == 8)
    return [one["value"] for one in asked.answer_data["choices"]]


async def test_moderators_bind_books_here_and_everybody_for_themselves(town, live):
    refused = await used(town, town.bob, "lore add", book="harbour", where="here")
    assert "moderators" in refused
    await used(town, town.bob, "lore add", book="harbour", where="for me")
    await used(town, town.alice, "lore add", book="old harbour", where="here")
    listed = await used(town, town.bob, "lore list")
    assert "**Here**: old harbour" in listed
    assert "**Always with you**: harbour" in listed
    assert "**Always with you**: none" in await used(town, town.alice, "lore list")
    assert await offered(town, town.bob, "lore remove", "") == ["harbour", "old harbour"]
    assert "no longer" in await used(town, town.bob, "lore remove", book="harbour")
    assert "moderators" in await used(town, town.bob, "lore remove", book="old harbour")


async def test_in_private_everybody_binds_books(town, live):
    direct = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    said = await used(town, town.bob, "lore add", channel=direct, book="harbour", where="here")
    assert "holds here" in said


async def test_books_are_offered_from_their_beginning_first(town, live):
    assert await offered(town, town.bob, "lore add", "har") == ["harbour", "old harbour"]
    assert await offered(town, town.bob, "lore show", "old") == ["old harbour"]


async def test_unknown_books_are_refused(town, live):
    for name in ("nowhere", "../harbour", "harbour\x00"):
        said = await used(town, town.alice, "lore add", book=name, where="here")
        assert "no lorebook called" in said
    assert "no lorebook called" in await used(town, town.bob, "lore show", book="../x")


async def test_a_trial_tells_what_would_wake_and_changes_nothing(town, live):
    assert "no entry" in await used(town, town.bob, "lore test", text="to the harbour")
    await used(town, town.bob, "lore add", book="harbour", where="for me")
    woken = await used(town, town.bob, "lore test", text="to the harbour")
    assert "1 entries" in woken
    assert "The harbour" in woken
    assert "no entry" in await used(town, town.bob, "lore test", text="to the hills")
    assert "no entry" in await used(town, town.alice, "lore test", text="to the harbour")
    town.bob.mentions(town.general, town.bot.user, "hello")
    await answer_in(town, town.general, "As you say.")
    said = [message.content for message in live.app.model.requests[-1].messages]
    assert not any("harbour" in text for text in said), "what was tried was not said"


async def test_a_trial_knows_what_was_said_before(town, live):
    await used(town, town.bob, "lore add", book="harbour", where="for me")
    town.bob.mentions(town.general, town.bot.user, "to the harbour")
    await answer_in(town, town.general, "As you say.")
    depth = live.app.factory.settings().lore.scan_depth
    assert depth == 2
    woken = await used(town, town.bob, "lore test", text="and then?")
    assert "no entry" in woken
    entries = await live.app.conversations.recent(place(town), 5)
    assert len(entries) == 2


def place(town):
    from services.domain.ids import ConversationId

    return ConversationId("discord", str(town.guild.id), str(town.general.id))


async def test_entries_of_a_book_are_shown(town, live):
    shown = await used(town, town.bob, "lore show", book="harbour")
    assert "1 entries" in shown
    assert "It is foggy." in shown
    assert "harbour" in shown


async def test_admins_add_books_for_everybody(town, live):
    assert "is there now, with 1 entries" in await upload(town, town.alice, HARBOUR)
    assert "It is foggy." in await used(town, town.bob, "lore show", book="The town")


async def test_members_add_no_books_even_in_private(town, live, tmp_path):
    direct = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    for channel in (None, direct):
        assert "Only admins" in await upload(town, town.bob, HARBOUR, channel=channel)
    assert not (tmp_path / "lorebooks" / "The town.json").exists()


async def test_no_book_is_overwritten_but_by_owners_who_say_so(town, live, tmp_path):
    other = {"entries": {"1": entry(1, "hill", content="It is steep.")}}
    await upload(town, town.alice, HARBOUR)
    assert "already" in await upload(town, town.alice, other)
    assert "Only owners" in await upload(town, town.alice, other, replace=True)
    live.bot._owners = frozenset({town.alice.user.id})
    assert "is there now" in await upload(town, town.alice, other, replace=True)
    assert "It is steep." in await used(town, town.bob, "lore show", book="The town")
    before = tmp_path / "lorebooks" / "The town.json.before"
    assert json.loads(before.read_text()) == HARBOUR


@pytest.mark.parametrize("content", [b"not json", b"{}", b"[1]", b'{"entries": {}}'])
async def test_what_is_no_lorebook_is_not_kept(town, live, tmp_path, content):
    said = await upload(town, town.alice, content)
    assert "is there now" not in said
    assert "log" not in said
    assert sorted(one.name for one in (tmp_path / "lorebooks").iterdir()) == [
        "harbour.json",
        "old harbour.json",
    ]


@pytest.mark.parametrize("name", ["../../evil", ".hidden", "a,b", "x" * 61])
async def test_names_stay_inside_the_folder(town, live, tmp_path, name):
    said = await upload(town, town.alice, HARBOUR, name=name)
    assert "name" in said
    assert len(list(tmp_path.rglob("*.json"))) == 2
