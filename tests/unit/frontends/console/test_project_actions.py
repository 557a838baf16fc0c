"""Projects, tasks, ideas and weeks in the terminal."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from frontends.console.talk import Talk
from frontends.console.views import TextView
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from tests.fakes.app import opened_app
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.timeout(60)

ME = Author(id=AuthorId("console", "sam"), display_name="Sam")
HERE = ConversationId("console", "local", "main")
ELSEWHERE = ConversationId("console", "room", "other")

Say = Callable[[str], Awaitable[str]]


def thinking(request: object) -> str:
    question = request.messages[-1].content  # type: ignore[attr-defined]
    if "checklist" in question:
        return json.dumps({"tasks": ["Buy a bulb"]})
    return json.dumps({"summary": "A fine week."})


@pytest.fixture
async def rooms(tmp_path) -> AsyncIterator[Callable[[ConversationId], Say]]:
    """Ways to type into conversations and read what comes back."""
    async with opened_app(tmp_path, ScriptedModel(thinking)) as app:

        def typing_in(place: ConversationId) -> Say:
            async def say(line: str) -> str:
                output, errors = io.StringIO(), io.StringIO()
                view = TextView(output, errors)
                talk = Talk(app.factory, view=view, author=ME, conversation=place)
                await talk.hear(line)
                return output.getvalue() + errors.getvalue()

            return say

        yield typing_in


@pytest.fixture
def say(rooms: Callable[[ConversationId], Say]) -> Say:
    return rooms(HERE)


async def test_projects_and_their_tasks_in_the_terminal(say):
    assert "no projects" in await say("/project")
    assert "1: Lamp (active) [0/0]" in await say("/project start Lamp")
    assert "1: [ ] Solder" in await say("/task add 1 Solder")
    assert "(for sam)" in await say("/task assign 1 me")
    assert "Solder" in await say("/task")
    assert "[x]" in await say("/task toggle #1")
    assert "There are no tasks." in await say("/task mine")
    assert "[x] Solder" in await say("/task list 1")
    await say("/task unassign 1")
    assert "blue" in await say("/project note 1 blue")
    assert "blue" in await say("/project note 1")
    assert "hot" in await say("/task note 1 hot")
    assert "hot" in await say("/task note 1")
    assert "/task add 1 Buy a bulb" in await say("/project checklist 1")
    assert "[1/1]" in await say("/project info 1")
    assert "A fine week." in await say("/week retro")
    assert "Tasks done: 1" in await say("/week summary")
    assert "Deleted" in await say("/task delete 1")
    assert "(completed)" in await say("/project archive 1 completed")
    assert "Lamp" in await say("/project list completed")
    assert "no projects" in await say("/project list active")


async def test_ideas_and_the_week_in_the_terminal(say):
    assert "no ideas" in await say("/idea")
    assert "1: A kite" in await say("/idea add A kite")
    assert "A kite" in await say("/idea random")
    assert "A kite" in await say("/week")
    assert "1: A kite (active)" in await say("/idea pick 1")
    assert "became project 1" in await say("/idea list")
    assert "Deleted" in await say("/idea delete 1")


async def test_a_private_room_has_a_list_of_its_own(rooms):
    await rooms(HERE)("/project start Lamp")
    assert "no project 1" in await rooms(ELSEWHERE)("/project info 1")


@pytest.mark.parametrize(
    "line",
    [
        "/project nonsense",
        "/project info",
        "/project info one",
        f"/project info {'9' * 30}",
        "/project info -1",
        "/project list deleted",
        "/project start",
        f"/project start {'x' * 101}",
        "/project archive 1 nonsense",
        "/task add 1",
        "/task toggle 1",
        "/task assign 1 nobody",
        "/idea pick 7",
        "/idea random",
        "/week never",
    ],
)
async def test_what_makes_no_sense_is_answered_with_a_sentence(rooms, say, line):
    said = await say(line)
    assert said.strip().endswith(".")
    assert "no projects" in await say("/project list")
