"""The log of a whole program: every line of a turn is found by one id, and it hurts no turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ollama_server import Answer, FakeOllama
from tests.journeys.program import Program

pytestmark = pytest.mark.timeout(40)


def log_of(program: Program) -> list[dict[str, Any]]:
    text = (program.data / "logs" / "acore.log").read_text()
    return [json.loads(line) for line in text.splitlines()]


async def test_a_turn_can_be_followed_from_the_message_to_its_end(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        async with program.chatting() as chat:
            await chat.say("One")
            server.default = Answer(status=500, error="oops")
            program.env["ACORE_LLM__RETRIES"] = "0"
            await chat.say("Two")
            await chat.leave()
    lines = log_of(program)
    taken = [line["correlation"] for line in lines if line["event"] == "message taken in"]
    assert len(set(taken)) == 2
    for correlation in taken:
        events = [line["event"] for line in lines if line.get("correlation") == correlation]
        assert events[0] == "message taken in"
        assert events[1] == "turn begun"
        assert events[-1] == "turn ended"
    about_turns = [line for line in lines if "turn" in line]
    assert {line["correlation"] for line in about_turns} == set(taken)
    assert any(line["event"] == "turn failed" for line in about_turns)


async def test_what_is_said_and_what_is_secret_stay_out_of_the_log(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(
            tmp_path, ACORE_LOGGING__LEVEL="DEBUG", MY_SERVICE_TOKEN="open-sesame-please"
        ).asking(server.url.replace("http://", "http://sam:open-sesame-please@"))
        ended = await program.say("my secret love")
    assert ended.events
    text = (program.data / "logs" / "acore.log").read_text()
    assert text
    assert "sesame" not in text
    assert "secret love" not in text


async def test_a_log_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path, ACORE_LOGGING__FILE="/dev/full").asking(server.url)
        ended = await program.say("Hello")
    assert (ended.code, ended.complaints) == (0, "")
    assert ended.kinds[-1] == "turn_finished"


async def test_a_log_on_standard_error_leaves_the_answer_alone(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(
            tmp_path, ACORE_LOGGING__OUTPUT="stderr", ACORE_LOGGING__FORMAT="console"
        ).asking(server.url)
        ended = await program.say("Hello")
    assert ended.kinds[-1] == "turn_finished"
    assert "message taken in  correlation=" in ended.complaints
    assert not (program.data / "logs").exists()
