"""Pictures and files in the terminal."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from frontends.console.talk import Talk
from frontends.console.views import JsonView, TextView
from services.domain.calls import ToolCall
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.llm.model import ModelInfo
from services.settings import ImagesSettings
from tests.fakes.app import App, opened_app
from tests.fakes.picture_files import pdf, picture
from tests.fakes.picture_servers import PictureServer, picture_server
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ME = Author(id=AuthorId("console", "sam"), display_name="Sam")
HERE = ConversationId("console", "local", "main")
RED = picture("PNG")
SEEING = ModelInfo(provider="scripted", name="eyes", context_tokens=8192, vision=True, tools=True)

Say = Callable[[str], Awaitable[str]]


@pytest.fixture
async def server() -> AsyncIterator[PictureServer]:
    async with picture_server() as running:
        yield running


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel("I see a wall.", info=SEEING)


@pytest.fixture
async def app(tmp_path: Path, model: ScriptedModel, server: PictureServer) -> AsyncIterator[App]:
    images = ImagesSettings(engine="openai", base_url=f"{server.url}/v1")
    async with opened_app(tmp_path / "data", model, images=images) as opened:
        yield opened


@pytest.fixture
def say(app: App) -> Say:
    async def said(line: str) -> str:
        output, errors = io.StringIO(), io.StringIO()
        talk = Talk(app.factory, view=TextView(output, errors), author=ME, conversation=HERE)
        await talk.hear(line)
        return output.getvalue() + errors.getvalue()

    return said


def shown(model: ScriptedModel) -> list[bytes]:
    return [image for message in model.requests[-1].messages for image in message.images]


async def test_attach_shows_a_picture_to_the_model(
    say: Say, model: ScriptedModel, tmp_path: Path
) -> None:
    file = tmp_path / "my wall.png"
    file.write_bytes(RED)
    assert "I see a wall." in await say(f'/attach "{file}" What is this?')
    assert shown(model) == [RED]
    said = model.requests[-1].messages[-1].content
    assert said == 'What is this?\n[attached: image "my wall.png"]'
    assert "I see a wall." in await say(f"/attach '{file}'")


async def test_attach_has_a_document_read(say: Say, model: ScriptedModel, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(pdf(["The lamp was lit at nine."]))
    await say(f"/attach {file} When was it lit?")
    assert any("lit at nine" in message.content for message in model.requests[-1].messages)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/attach", "Write it as /attach PATH [MESSAGE]"),
        ("/attach /no/such/file.png", "There is no file"),
        ("/attach /dev/zero x", "There is no file"),
        ('/attach "unclosed', "quotation mark"),
        ("/gamehelp /no/such/file.png", "There is no file"),
        ("/imagine " + "x" * 1001, "1000 characters"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(say: Say, line: str, answer: str) -> None:
    assert answer in await say(line)


async def test_imagine_saves_a_picture(say: Say, server: PictureServer, tmp_path: Path) -> None:
    told = await say("/imagine a red door")
    path = tmp_path / told.strip().removeprefix("Saved as ")
    assert path.parent == tmp_path / "data" / "pictures"
    assert path.name.startswith("a-red-door-")
    assert path.read_bytes() == server.picture


async def test_gamehelp_asks_about_a_screenshot(
    say: Say, model: ScriptedModel, tmp_path: Path
) -> None:
    file = tmp_path / "game.png"
    file.write_bytes(RED)
    assert "I see a wall." in await say(f"/gamehelp {file} Where is the key?")
    assert shown(model) == [RED]
    assert "Where is the key?" in model.requests[-1].messages[-1].content
    file.write_text("no picture")
    assert "no picture acore can open" in await say(f"/gamehelp {file}")


async def test_a_picture_in_an_answer_is_saved(tmp_path: Path, server: PictureServer) -> None:
    call = ToolCall(id="c1", name="make_image", arguments={"prompt": "a green door"})
    model = ScriptedModel([Script(calls=[call], finish="tool_calls"), "There."], info=SEEING)
    images = ImagesSettings(engine="openai", base_url=f"{server.url}/v1")
    async with opened_app(tmp_path, model, images=images) as app:
        for kit in app.factory.tools():
            for tool in kit:
                if tool.name == "make_image":
                    app.factory.toolbox().add(tool)
        output = io.StringIO()
        talk = Talk(app.factory, view=JsonView(output), author=ME, conversation=HERE)
        await talk.hear("Please draw a picture of a green door")
    events = [json.loads(line) for line in output.getvalue().splitlines()]
    [saved] = [event for event in events if event.get("kind") == "saved"]
    assert (tmp_path / saved["path"]).read_bytes() == server.picture
