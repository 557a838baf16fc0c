"""The main job on a real model with nothing configured but its size."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.journeys.program import SMALL_MODEL, Program, model_servers, spoken

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        not SMALL_MODEL.exists(), reason="no small model: run `make setup MODEL=small`"
    ),
]


def small(folder: Path) -> Program:
    return Program(folder, ACORE_EMBEDDED__MODEL=SMALL_MODEL.stem, ACORE_LLM__MAX_TOKENS="48")


async def test_a_real_model_answers_and_is_remembered_across_processes(tmp_path: Path) -> None:
    ended = await small(tmp_path).say("Hello, who are you?")
    assert ended.code == 0
    assert ended.kinds[0] == "turn_started"
    assert ended.kinds.count("turn_finished") == 1
    assert ended.kinds[-1] == "turn_finished"
    text = ended.events[-1]["reply"]["text"]
    assert spoken(ended.events).strip() == text.strip() != ""
    async with small(tmp_path).chatting() as chat:
        history = await chat.history()
        await chat.leave()
    assert [entry["text"] for entry in history] == ["Hello, who are you?", text]


async def test_a_killed_model_server_costs_one_answer(tmp_path: Path) -> None:
    async with small(tmp_path).chatting() as chat:
        chat.type("Tell me a long story about the sea.")
        await chat.until("text_delta")
        for server in model_servers(chat.process.pid):
            os.kill(server, signal.SIGKILL)
        failed = await chat.until("turn_failed", "turn_finished")
        assert failed["kind"] == "turn_failed"
        assert failed["user_message"].endswith(".")
        again = await chat.say("Are you there?")
        assert again["kind"] == "turn_finished"
        assert any(event.get("code") == "embedded_restarted" for event in chat.events)
        await chat.leave()
