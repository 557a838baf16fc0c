"""Starting and ending: what is wrong is said in one sentence, what passes is waited for."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager

import discord
import pytest
from dependency_injector import providers

from frontends.discord import running
from services.domain.errors import ConfigurationError, ProviderError
from tests.discord_standin.faults import Cut, RestFault
from tests.discord_standin.founding import add_bot, add_member
from tests.discord_standin.intents import Intent
from tests.discord_standin.pointing import discord_py_at
from tests.discord_standin.scene import scene
from tests.fakes.app import opened_app
from tests.fakes.discord_app import discord_app, settings_of
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.scripted_model import ScriptedModel
from tests.journeys.program import Program, inspected

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

MODEL_OFF = {"OLLAMA_HOST": "http://127.0.0.1:1", "ACORE_LLM__EMBEDDED": "never"}
NOBODY_LISTENS = "http://127.0.0.1:9/api/v10"
CONTENT, MEMBERS, PRESENCES = (
    Intent.MESSAGE_CONTENT,
    Intent.GUILD_MEMBERS,
    Intent.GUILD_PRESENCES,
)


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(running, "_PAUSES", (0.05,) * 5)
    monkeypatch.setattr(running, "_FIRST_GATEWAY_PAUSE", 0.05)


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


def program(folder, town, **env):
    others = {"ACORE_CONSOLE__ENABLED": "false", "ACORE_HOUSEKEEPING__ENABLED": "false"}
    return Program(folder, **(MODEL_OFF | others | town.standin.environment(town.bot) | env))


def logged(folder):
    return "".join(file.read_text() for file in (folder / "data" / "logs").glob("*"))


class Started:
    """What ``run_discord`` does, and what it tells the operator."""

    def __init__(self, app):
        self.app = app
        self.notices: list[str] = []
        self.task = None
        say = lambda code, text: self.notices.append(text)  # noqa: E731
        app.factory.announce.override(providers.Object(say))


@asynccontextmanager
async def started(town, data, **changes):
    """Run ``run_discord`` as the launcher does, until the block ends."""
    section = settings_of(town, **changes)
    model = ScriptedModel("Here I am.")
    with discord_py_at(town.standin):
        async with opened_app(data, model, discord=section) as app:
            here = Started(app)
            settings = app.factory.settings()
            async with asyncio.TaskGroup() as group:
                here.task = group.create_task(running.run_discord(app.factory, settings=settings))
                try:
                    yield here
                finally:
                    await app.conversations.drain(0.0)
                    here.task.cancel()


async def refused(town, data, kind, *, then=None, **changes):
    """Return the sentence with which ``run_discord`` gives up, at once or after ``then``."""

    async def to_its_end():
        async with started(town, data, **changes) as here:
            if then is not None:
                await then()
            await asyncio.wait([here.task])

    with pytest.raises(ExceptionGroup) as caught:
        await to_its_end()
    [error] = caught.value.exceptions
    assert isinstance(error, kind), error
    assert error.user_message.endswith(".")
    return error.user_message


async def test_another_discord_py_is_refused_before_anything_is_sent(town, tmp_path, monkeypatch):
    monkeypatch.delattr(discord.http.HTTPClient, "bulk_upsert_global_commands")
    said = await refused(town, tmp_path, ConfigurationError)
    assert f"discord.py {discord.__version__}" in said
    assert not town.standin.api.exchanges


def ready(town):
    return any(session.connected for session in town.standin.gateway.sessions.values())


def finished(message):
    """Tell whether a message has the buttons of an answer that is no longer written."""
    labels = [part["label"] for row in message.components for part in row["components"]]
    return "🔁" in labels


async def until(town, condition):
    await town.standin.changes.until(condition, seconds=30)


def spoken(channel):
    return [one for one in channel.messages.values() if one.author.bot and one.content]


async def shows(town, channel, count=1):
    await until(town, lambda: len(spoken(channel)) >= count)
    return spoken(channel)


# -- as a program


async def test_a_wrong_token_ends_the_program_with_one_sentence_and_is_never_shown(town, tmp_path):
    token = f"{town.bot.token[:-3]}xyz"
    ended = await program(tmp_path, town, DISCORD_TOKEN=token).run("run")
    assert ended.code == 1
    assert "token" in ended.one_sentence()
    assert token not in ended.complaints + ended.out + logged(tmp_path)


async def test_an_unreachable_discord_ends_the_program_so_that_it_is_started_again(town, tmp_path):
    ended = await program(tmp_path, town, ACORE_DISCORD__API_URL=NOBODY_LISTENS).run("run")
    assert ended.code == 2
    assert "cannot be reached" in ended.one_sentence()
    assert town.bot.token not in ended.complaints + ended.out + logged(tmp_path)


async def test_without_a_token_discord_is_not_started(town, tmp_path):
    bare = program(tmp_path, town, ACORE_CONSOLE__ENABLED="true")
    del bare.env["DISCORD_TOKEN"]
    ended = await bare.run("run", typed=b"/quit\n")
    assert (ended.code, ended.complaints) == (0, "")
    assert not town.standin.api.exchanges


async def test_a_termination_keeps_what_was_shown_and_leaves_nothing_to_complain(town, tmp_path):
    story = Answer(pieces=tuple(f"word{number} " for number in range(4_000)), delay_each=0.05)
    async with FakeOllama(default=story).running() as model:
        env = {"OLLAMA_HOST": model.url, "OLLAMA_MODEL": "tiny"}
        env["ACORE_CONVERSATION__SHUTDOWN_SECONDS"] = "0.5"
        async with program(tmp_path, town, **env).started("run") as process:
            await until(town, lambda: ready(town))
            town.alice.mentions(town.general, town.bot.user, "tell me a story")
            [said] = await shows(town, town.general)
            await until(town, lambda: "word20 " in said.content)
            began = asyncio.get_running_loop().time()
            process.process.send_signal(signal.SIGTERM)
            ended = await process.ended()
            took = asyncio.get_running_loop().time() - began
    assert (ended.code, ended.complaints) == (0, "")
    assert took < 15
    stored = "select written from messages where author_kind = 'persona'"
    [[[kept]]] = await inspected(tmp_path / "data", tmp_path / "scratch", stored)
    assert said.content.endswith(kept.strip())
    assert "word20" in kept
    assert finished(said)


# -- what passes


@pytest.mark.parametrize("status", [503, 429])
async def test_a_login_that_discord_fails_at_is_tried_again(town, tmp_path, status):
    town.standin.faults.rest.append(RestFault(path="/users/@me", status=status, times=2))
    async with started(town, tmp_path):
        await until(town, lambda: ready(town))
        town.alice.mentions(town.general, town.bot.user, "hello")
        await shows(town, town.general)


async def test_a_login_that_is_cut_off_is_tried_again(town, tmp_path):
    town.standin.faults.rest.append(RestFault(path="applications/@me", cut=Cut.BEFORE))
    async with started(town, tmp_path):
        await until(town, lambda: ready(town))


async def test_a_discord_that_stays_broken_is_told_of_in_one_sentence(town, tmp_path):
    town.standin.faults.rest.append(RestFault(path="/users/@me", status=503, times=100))
    assert "cannot be reached" in await refused(town, tmp_path, ProviderError)


async def test_a_gateway_that_refuses_the_first_connections_is_waited_for(town, tmp_path):
    town.standin.faults.refused_connections = 2
    async with started(town, tmp_path):
        await until(town, lambda: ready(town))
        town.alice.mentions(town.general, town.bot.user, "hello")
        await shows(town, town.general)


async def test_a_gateway_that_refuses_later_connections_is_waited_for(town, tmp_path):
    async with started(town, tmp_path):
        await until(town, lambda: ready(town))
        town.standin.faults.refused_connections = 2
        town.standin.gateway.cut()
        await until(town, lambda: not ready(town))
        town.alice.mentions(town.general, town.bot.user, "hello")
        await shows(town, town.general)


# -- what does not


@pytest.mark.parametrize(
    "token", ["", "   ", "two words", "t\u00f6ken", "line\nbreak", "nul\x00", '"quoted"']
)
async def test_a_token_that_can_be_none_is_told_of_in_one_sentence(town, tmp_path, token):
    sentence = await refused(town, tmp_path, ConfigurationError, token=token)
    assert "DISCORD_TOKEN" in sentence
    assert not token.strip() or token not in sentence


async def test_a_token_that_is_withdrawn_while_the_bot_runs_is_told_of(town, tmp_path):
    async def withdraw():
        await until(town, lambda: ready(town))
        await town.standin.gateway.disconnect(4004)

    assert "token" in await refused(town, tmp_path, ConfigurationError, then=withdraw)


# -- intents


async def alone(town, privileged):
    """Return a bot of the guild that has only these privileged intents."""
    bot = add_bot(town.standin.world, "Nyx", privileged=int(privileged))
    add_member(town.standin.world, town.guild, bot.user)
    return bot


@pytest.mark.parametrize(
    ("privileged", "changes", "words"),
    [
        (0, {}, ["Message Content"]),
        (CONTENT, {"members": True}, ["Server Members"]),
        (CONTENT | MEMBERS, {"members": True, "presences": True}, ["Presence Intent"]),
        (
            0,
            {"members": True, "presences": True},
            ["Message Content", "Server Members", "Presence Intent"],
        ),
    ],
)
async def test_intents_the_application_lacks_are_told_of_once_and_done_without(
    town, tmp_path, privileged, changes, words
):
    bot = await alone(town, privileged)
    async with started(town, tmp_path, token=bot.token, **changes) as here:
        await until(town, lambda: ready(town))
        asked = town.alice.mentions(town.general, bot.user, "hello")
        [said] = await shows(town, town.general)
        assert said.reference == (town.general.id, asked.id)
        town.bob.says(town.general, "and me?", replying_to=said)
        await shows(town, town.general, 2)
        first = town.bob.writes_to(bot, "psst")
        await shows(town, town.standin.world.channels[first.channel_id])
        [session] = town.standin.gateway.sessions.values()
    assert len(here.notices) == len(words)
    assert all(any(word in notice for notice in here.notices) for word in words)
    wanted = sum(
        intent
        for intent, name in ((CONTENT, "content"), (MEMBERS, "members"), (PRESENCES, "presences"))
        if privileged & intent and (name == "content" or changes.get(name))
    )
    assert session.intents & (CONTENT | MEMBERS | PRESENCES) == wanted


async def test_what_still_comes_in_when_the_bot_has_left_is_dropped(town, tmp_path):
    async with discord_app(town, ScriptedModel("Yes."), tmp_path) as home:
        bot = home.bot
    for event in ("ready", "resumed", "disconnect"):
        bot.dispatch(event)
