"""One line after the other, and what comes of each."""

from __future__ import annotations

import io
import json
from typing import Any, cast

import pytest

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from services.conversation.inbound import Withheld
from services.domain.errors import ProviderError, ProviderFault
from services.domain.ids import ActionId, AuthorId
from services.domain.people import Author, Role
from services.domain.replies import ConfirmationRequested, TurnFailed
from tests.fakes.console_service import (
    HERE,
    LONGEST,
    TURN,
    ScriptedConversations,
    ScriptedServices,
    answer,
    entry,
    finished,
    started,
)


class Desk:
    """A talk with scripted answers and the JSON it printed."""

    def __init__(self, **scripted: Any) -> None:
        self.conversations = ScriptedConversations(**scripted)
        self._out = io.StringIO()
        self.talk = Talk(
            cast(Any, ScriptedServices(self.conversations)),
            view=JsonView(self._out),
            author=Author(id=AuthorId("console", "ada"), display_name="Ada"),
            conversation=HERE,
        )

    async def hear(self, *lines: str) -> list[dict[str, Any]]:
        before = len(self._out.getvalue())
        for line in lines:
            await self.talk.hear(line)
        return [json.loads(line) for line in self._out.getvalue()[before:].splitlines()]


def kinds(printed: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in printed]


async def test_a_message_is_sent_as_its_owner_in_private() -> None:
    desk = Desk()
    printed = await desk.hear("hello")
    inbound = desk.conversations.heard[0]
    assert (inbound.message.text, inbound.role) == ("hello", Role.OWNER)
    assert inbound.addressing.private
    assert kinds(printed) == ["turn_started", "text_delta", "turn_finished"]
    assert desk.talk.failure == 0


async def test_too_long_a_line_is_refused_and_the_next_is_answered() -> None:
    desk = Desk()
    printed = await desk.hear("x" * (LONGEST + 1), "hello")
    assert kinds(printed) == ["refused", "turn_started", "text_delta", "turn_finished"]
    assert printed[0]["code"] == "message_too_long"
    assert (desk.talk.failure, desk.talk.refused) == (0, True)


async def test_a_message_nobody_answers_says_why() -> None:
    desk = Desk(scripts=[Withheld(reason="user_limit")])
    assert [line["reason"] for line in await desk.hear("hello")] == ["user_limit"]
    assert desk.talk.failure == 0


@pytest.mark.parametrize(
    ("code", "exit_code"), [("provider_unreachable", 2), ("storage_full", 3), ("internal", 3)]
)
async def test_a_failed_answer_decides_the_exit_code(code: str, exit_code: int) -> None:
    failed = TurnFailed(turn=TURN, code=code, user_message="No.")
    desk = Desk(scripts=[[started(), failed], answer("Fine.")])
    printed = await desk.hear("hello", "hello again")
    assert kinds(printed)[1] == "turn_failed"
    assert desk.talk.failure == exit_code


async def test_a_server_that_is_gone_is_not_a_refusal() -> None:
    error = ProviderError("ollama", ProviderFault.UNREACHABLE, "Start Ollama.")
    desk = Desk(scripts=[error])
    assert kinds(await desk.hear("hello")) == ["refused"]
    assert (desk.talk.failure, desk.talk.refused) == (2, False)
    assert desk.talk.failed_code == "provider_unreachable"


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("/regen", ("regenerate",)),
        ("/continue", ("continue",)),
        ("/swipe", ("swipe", 1)),
        ("/swipe right", ("swipe", 1)),
        ("/swipe left", ("swipe", -1)),
        ("/edit new words", ("edit", "new words")),
        ("/undo", ("undo",)),
        ("/branch 3", ("branch", 3)),
        ("/branch #3", ("branch", 3)),
        ("/reset", ("reset",)),
        ("/model small:1b", ("model", "small:1b")),
        ("/model default", ("model", None)),
        ("/confirm 01A", ("decide", "01A", True)),
        ("/decline 01A", ("decide", "01A", False)),
    ],
)
async def test_a_command_does_what_it_says(line: str, call: tuple[object, ...]) -> None:
    desk = Desk()
    printed = await desk.hear(line)
    assert desk.conversations.calls == [call]
    assert "refused" not in kinds(printed)
    assert printed


@pytest.mark.parametrize("line", ["/swipe up", "/branch last", "/history many", "/confirm", "/why"])
async def test_a_command_that_cannot_be_followed_is_refused(line: str) -> None:
    desk = Desk()
    assert kinds(await desk.hear(line)) == ["refused"]
    assert desk.conversations.calls == []


async def test_going_back_a_version_shows_it_and_its_place() -> None:
    printed = await Desk().hear("/swipe left")
    assert (printed[-1]["text"], printed[-1]["index"], printed[-1]["count"]) == ("First.", 0, 2)


async def test_a_new_character_greets_only_in_an_empty_talk() -> None:
    empty = await Desk().hear("/persona juno")
    assert [line.get("text") or line["name"] for line in empty] == ["I am Juno.", "Juno"]
    going_on = await Desk(history=[entry("Hi.")]).hear("/persona juno")
    assert kinds(going_on) == ["persona"]


async def test_an_unknown_character_changes_nothing() -> None:
    desk = Desk()
    assert kinds(await desk.hear("/persona nobody")) == ["refused"]
    assert (await desk.hear("/persona"))[0]["name"] == "Mira"


async def test_a_question_of_a_tool_is_answered_without_naming_it() -> None:
    asking = ConfirmationRequested(
        action=ActionId("01A"), tool="rm", arguments={}, question="Sure?"
    )
    desk = Desk(scripts=[[started(), asking, finished("")], answer("Done.")])
    await desk.hear("delete it", "/confirm")
    assert desk.conversations.calls == [("decide", "01A", True)]
    assert kinds(await desk.hear("/confirm")) == ["refused"]


async def test_history_tells_the_numbers_to_branch_from() -> None:
    desk = Desk(history=[entry("One.", ordinal=1), entry("Two.", ordinal=4)])
    printed = await desk.hear("/history")
    assert [found["ordinal"] for found in printed[0]["entries"]] == [1, 4]
    last = await desk.hear("/history 1")
    assert [found["ordinal"] for found in last[0]["entries"]] == [4]


async def test_help_names_every_command() -> None:
    printed = await Desk().hear("/help")
    assert {"/edit TEXT", "/swipe [left|right]", "/quit"} <= set(printed[0]["commands"])


async def test_quit_ends_the_talk() -> None:
    desk = Desk()
    await desk.hear("/quit")
    assert desk.talk.ended


async def test_why_is_answered_once_something_was_said() -> None:
    printed = await Desk().hear("hello", "/why")
    assert printed[-1] == {"kind": "why", "trigger": "private"}
