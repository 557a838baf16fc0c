"""Starting and ending with Discord: what is wrong is said in one sentence, what passes is waited for."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager

import pytest

from frontends.discord import running
from frontends.discord.endpoints import point_at
from services.domain.errors import ConfigurationError, ProviderError
from services.settings import DiscordSettings
from tests.discord_standin.entities import Bot
from tests.discord_standin.faults import Cut, RestFault
from tests.discord_standin.founding import add_bot, add_member
from tests.discord_standin.intents import Intent
from tests.discord_standin.scene import scene
from tests.fakes.app import opened_app, settings_in
from tests.fakes.discord_app import pointed_back, settings_of
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.scripted_model import ScriptedModel
from tests.journeys.program import Program

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

MODEL_OFF = {"OLLAMA_HOST": "http://127.0.0.1:1", "ACORE_LLM__EMBEDDED": "never"}
NOBODY_LISTENS = "http://127.0.0.1:9/api/v10"


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(running, "_PAUSES", (0.05,) * 5)


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


def program(folder, town, **env):
    quiet = {"ACORE_CONSOLE__ENABLED": "false", "ACORE_HOUSEKEEPING__ENABLED": "false"}
    return Program(folder, **MODEL_OFF, **quiet, **town.standin.environment(town.bot), **env)


def logged(folder):
    return "".join(file.read_text() for file in (folder / "data" / "logs").glob("*"))


@asynccontextmanager
async def started(town, data, **changes):
    """Run ``run_discord`` as the launcher does, until the block ends."""
    section = settings_of(town, **changes)
    settings = settings_in(data, discord=section)
    notices = []
    with pointed_back():
        async with opened_app(data, ScriptedModel("Here I am."), discord=section) as app:
            app.factory.bus().subscribe(lambda event: notices.append(event))
            async with asyncio.TaskGroup() as group:
                task = group.create_task(running.run_discord(app.factory, settings=settings))
                try:
                    yield task, notices
                finally:
                    await app.conversations.drain(0.0)
                    task.cancel()


def told(notices):
    return [one.text for one in notices if one.kind == "notice"]


async def test_a_wrong_token_ends_the_program_with_one_sentence_and_is_never_shown(town, tmp_path):
    token = f"{town.bot.token[:-3]}xyz"
    ended = await program(tmp_path, town, DISCORD_TOKEN=token).run("run")
    assert ended.code == 1
    assert "token" in ended.one_sentence()
    assert token not in ended.complaints + ended.out + logged(tmp_path)
