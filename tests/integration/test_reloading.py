"""Reloading a running program: no answer is dropped, and the next one follows the settings."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.process import MAIN, Installation, Process
from tests.fakes.pseudo_terminal import CTRL_D, at_terminal

pytestmark = pytest.mark.timeout(60)

PIECES = ("Once ", "upon ", "a ", "time. ", "There ", "was ", "a ", "sea. ", "The ", "end.")
WHOLE = "".join(PIECES)
GOOD = "[llm]\ntop_p = 0.25\nnum_ctx = 2048\n"


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database, which takes the longest to make."""
    data = tmp_path_factory.mktemp("blank") / "data"
    subprocess.run([sys.executable, MAIN, "migrate", "--data", data], check=True)
    return data


@pytest.fixture
async def acore(tmp_path: Path, blank: Path) -> AsyncIterator[Installation]:
    shutil.copytree(blank, tmp_path / "data")
    async with FakeOllama(default=Answer(pieces=PIECES, delay_each=0.05)).running() as server:
        yield Installation(tmp_path, server)


def thresholds(acore: Installation) -> list[Any]:
    return [dict(chat.body)["options"]["top_p"] for chat in acore.server.chats]  # type: ignore[index]


async def _changed_while_streaming(
    acore: Installation, running: Process, text: str, announced: str
) -> None:
    running.type("Hello")
    await running.shows("Once ")
    acore.config.write_text(text)
    running.send(signal.SIGHUP)
    await running.complains(announced)
    await running.shows("The end.\n")
    running.type("And now?")
    await running.shows("The end.\nOnce upon a time. There was a sea. The end.\n")
    running.end_input()
    assert await running.ends() == 0
    assert running.out == f"{WHOLE}\n{WHOLE}\n"


async def test_sighup_changes_the_next_answer_and_drops_none(acore: Installation) -> None:
    async with acore.running(*acore.program("run")) as running:
        await _changed_while_streaming(acore, running, GOOD, "llm.top_p")
    assert "at the next start: llm.num_ctx" in running.complaints
    assert thresholds(acore) == [0.95, 0.25]
    assert "0.25" not in running.complaints
    (told,) = [line for line in acore.log() if line["event"] == "settings reloaded"]
    assert (told["applied"], told["restart"]) == (["llm.top_p"], ["llm.num_ctx"])


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ("[llm\ntop_p = 3", "line 1"),
        ('[llm]\ntopp = 0.1\n[persona]\ndefault = "x"', "did you mean llm.top_p"),
        ("[llm]\ntop_p = 99.5", "llm.top_p (from config.toml) expects"),
        ('[persona]\ndefault = "nobody"\n[llm]\ntop_p = 0.1', "nobody is not there"),
    ],
    ids=["no TOML", "unknown name", "out of range", "no such character"],
)
async def test_a_broken_file_changes_nothing_and_is_told(
    acore: Installation, broken: str, sentence: str
) -> None:
    async with acore.running(*acore.program("run")) as running:
        await _changed_while_streaming(acore, running, broken, sentence)
    assert "The settings stay as they were" in running.complaints
    assert thresholds(acore) == [0.95, 0.95]
    assert "99.5" not in running.complaints
    assert any(line["event"] == "settings refused" for line in acore.log())


async def test_a_changed_file_is_picked_up_by_itself(acore: Installation) -> None:
    async with acore.running(*acore.program("run")) as running:
        running.type("Hello")
        await running.shows("The end.\n")
        acore.config.write_text(GOOD)
        await running.complains("llm.top_p")
        (acore.folder / ".env").write_text("ACORE_LLM__REPEAT_PENALTY=1.5\n")
        await running.complains("llm.repeat_penalty")
        running.type("And now?")
        running.end_input()
        assert await running.ends() == 0
    options = acore.server.chats[-1].body["options"]
    assert (options["top_p"], options["repeat_penalty"]) == (0.25, 1.5)  # type: ignore[index]


async def test_a_named_settings_file_is_the_one_that_is_followed(acore: Installation) -> None:
    mine = acore.folder / "mine.toml"
    mine.write_text("")
    async with acore.running(*acore.program("run", "--config", str(mine))) as running:
        running.type("Hello")
        await running.shows("The end.\n")
        acore.config.write_text("[llm]\ntop_p = 0.3\n")
        mine.unlink()
        await running.complains("mine.toml cannot be read")
        mine.write_text(GOOD)
        await running.complains("llm.top_p")
        running.type("And now?")
        running.end_input()
        assert await running.ends() == 0
    assert thresholds(acore) == [0.95, 0.25]


async def test_a_new_key_is_hidden_from_the_log_at_once(acore: Installation) -> None:
    async with acore.running(*acore.program("run")) as running:
        running.type("Hello")
        await running.shows("The end.\n")
        (acore.folder / ".env").write_text("ACORE_OPENAI__API_KEY=tea-for-two\n")
        await running.complains("openai.api_key")
        acore.config.write_text("[tea-for-two]\n")
        await running.complains("stay as they were")
        running.end_input()
        await running.ends()
    assert "tea-for-two" not in (acore.data / "logs" / "acore.log").read_text()


async def test_at_a_terminal_that_is_still_there_sighup_reloads(acore: Installation) -> None:
    async with at_terminal(*acore.program("run"), env=acore.env, cwd=acore.folder) as terminal:
        await terminal.prompts()
        acore.config.write_text(GOOD)
        os.kill(terminal.process.pid, signal.SIGHUP)
        await terminal.shows("llm.top_p")
        await asyncio.sleep(0.1)
        terminal.type(CTRL_D)
        assert await terminal.ends() == 0
