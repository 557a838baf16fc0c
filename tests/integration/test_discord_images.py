"""Pictures as commands of the bot, and pictures that people attach."""

from __future__ import annotations

import re
from typing import Any

import pytest
from discord import app_commands

from frontends.discord import bot as bot_module
from services.domain.calls import ToolCall
from services.llm.model import ModelInfo
from services.settings import ImagesSettings
from tests.discord_standin.scene import scene
from tests.fakes.discord_commands import attached, command_app, told, used
from tests.fakes.picture_files import pdf, picture
from tests.fakes.picture_servers import picture_server
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

RED = picture("PNG")
SEEING = ModelInfo(provider="scripted", name="eyes", context_tokens=8192, vision=True, tools=True)
BLIND = ModelInfo(provider="scripted", name="blind", context_tokens=8192, tools=True)


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("images",))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)


@pytest.fixture
async def server():
    async with picture_server() as running:
        yield running


@pytest.fixture
async def town():
    async with scene(limits=False) as place:
        yield place


def shown(model: ScriptedModel) -> list[bytes]:
    return [image for message in model.requests[-1].messages for image in message.images]


async def files_in(town, count: int = 1) -> list[Any]:
    """Return the files the bot has posted, once there are ``count``."""

    def found() -> list[Any]:
        return [
            file
            for message in town.general.messages.values()
            if message.author.id not in (town.alice.user.id, town.bob.user.id)
            for file in message.attachments
        ]

    await town.until(lambda: len(found()) >= count)
    return found()


async def test_imagine_makes_a_picture_and_refuses_in_a_sentence(town, server, tmp_path):
    images = ImagesSettings(engine="automatic1111", base_url=server.url, per_person=3)
    async with command_app(town, ScriptedModel("Hi."), tmp_path, images=images):
        text = await used(town, town.alice, "imagine", prompt="a red door @everyone")
        assert "a red door" in text
        [file] = await files_in(town)
        assert file.filename == "a-red-door-everyone.png"
        assert "age-restricted" in await used(town, town.alice, "imagine", prompt="a nude man")
        start = attached(town.alice, town.general, "start.png", RED, "image/png")
        await used(town, town.alice, "imagine", prompt="the same, blue", start=start)
        assert server.sent[-1][0] == "/sdapi/v1/img2img"
        broken = attached(town.alice, town.general, "x.png", b"MZ", "image/png")
        assert "no picture" in await used(
            town, town.alice, "imagine", prompt="the same", start=broken
        )
        server.status = 500
        assert "has trouble" in await used(town, town.alice, "imagine", prompt="a red door")


async def test_without_an_engine_imagine_says_what_to_set(town, tmp_path):
    async with command_app(town, ScriptedModel("Hi."), tmp_path):
        assert "images.engine" in await used(town, town.alice, "imagine", prompt="a red door")


async def test_gamehelp_shows_the_screenshot_to_a_model_that_sees(town, tmp_path):
    model = ScriptedModel("Pull the left lever.", info=SEEING)
    async with command_app(town, model, tmp_path):
        file = attached(town.alice, town.general, "game.png", RED, "image/png")
        question = {"screenshot": file, "question": "How do I open this door?"}
        asked = town.alice.uses(town.general, town.bot, "gamehelp", **question)
        assert "How do I open this door?" in (await told(town, town.alice, asked))[0]
        await town.until(
            lambda: any("left lever" in m.content for m in town.general.messages.values())
        )
        assert shown(model) == [RED]
        letter = attached(town.alice, town.general, "a.pdf", pdf(["x"]), "application/pdf")
        assert "no picture" in await used(town, town.alice, "gamehelp", screenshot=letter)


async def test_gamehelp_where_nobody_can_see_says_so(town, tmp_path):
    async with command_app(town, ScriptedModel("Hm.", info=BLIND), tmp_path):
        file = attached(town.alice, town.general, "game.png", RED, "image/png")
        text = await used(town, town.alice, "gamehelp", screenshot=file)
        assert re.search(r"blind cannot see pictures.*vision_model", text)


async def test_an_attached_picture_reaches_the_model_byte_for_byte(town, tmp_path):
    model = ScriptedModel("A red wall.", info=SEEING)
    async with command_app(town, model, tmp_path):
        town.alice.says(
            town.general, f"<@{town.bot.user.id}> what is it?", files=[("r.png", RED, "image/png")]
        )
        await town.until(
            lambda: any("red wall" in m.content for m in town.general.messages.values())
        )
        assert shown(model) == [RED]


async def test_a_picture_that_a_character_draws_is_posted_with_its_answer(town, server, tmp_path):
    images = ImagesSettings(engine="automatic1111", base_url=server.url)
    call = ToolCall(id="c1", name="make_image", arguments={"prompt": "a green door"})
    model = ScriptedModel([Script(calls=[call], finish="tool_calls"), "There you are."], info=BLIND)
    async with command_app(town, model, tmp_path, images=images) as live:
        for kit in live.app.factory.tools():
            for tool in kit:
                if tool.name == "make_image":
                    live.app.factory.toolbox().add(tool)
        town.alice.says(town.general, f"<@{town.bot.user.id}> draw me a picture of a green door")
        [file] = await files_in(town)
        assert file.filename == "a-green-door.png"
