"""What the exit code of ``run`` and ``chat`` says, from outside."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.ollama_server import FakeOllama
from tests.fakes.process import MAIN, Installation

pytestmark = pytest.mark.timeout(60)

COMMANDS = (("run",), ("chat",))
_CRASH = """
import frontends.console.app as app
async def crash(services, **_):
    raise KeyError("lost")
app.run_console = crash
"""


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database, which takes the longest to make."""
    data = tmp_path_factory.mktemp("blank") / "data"
    subprocess.run([sys.executable, MAIN, "migrate", "--data", data], check=True)
    return data


@pytest.fixture
async def acore(tmp_path: Path, blank: Path) -> AsyncIterator[Installation]:
    shutil.copytree(blank, tmp_path / "data")
    async with FakeOllama().running() as server:
        yield Installation(tmp_path, server)


@pytest.fixture(params=["run", "chat"])
def command(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_zero_when_all_is_well(acore: Installation, command: str) -> None:
    code, running = await acore.ended(*acore.program(command), typed="Hello")
    assert (code, running.out, running.complaints) == (0, "Hello there.\n", "")


@pytest.mark.parametrize(
    "settings", ["[llm\n", "[llm]\nnum_ctx = 1\n", '[persona]\ndefault = "nobody"\n']
)
async def test_one_for_wrong_settings(acore: Installation, command: str, settings: str) -> None:
    acore.config.write_text(settings)
    code, running = await acore.ended(*acore.program(command), typed="Hello")
    assert (code, running.out) == (1, "")
    assert running.complaints.count("\n") == 1
    assert acore.server.chats == []


async def test_one_when_nothing_is_switched_on(acore: Installation) -> None:
    code, running = await acore.ended(*acore.program("run"), ACORE_CONSOLE__ENABLED="false")
    assert code == 1
    assert "console.enabled" in running.complaints


async def test_two_when_another_program_has_the_database(acore: Installation, command: str) -> None:
    async with acore.running(*acore.program("run")) as first:
        first.type("Hello")
        await first.shows("Hello there.\n")
        code, second = await acore.ended(*acore.program(command), typed="Hello")
        assert (code, second.out) == (2, "")
        assert second.complaints.count("\n") == 1
        assert "Another acore" in second.complaints
        first.end_input()
        assert await first.ends() == 0


async def test_two_when_the_only_model_server_is_gone(acore: Installation, command: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{unused.getsockname()[1]}"
        code, running = await acore.ended(
            *acore.program(command), typed="Hello", OLLAMA_HOST=gone, ACORE_LLM__RETRIES="0"
        )
    assert (code, running.out) == (2, "")
    assert running.complaints.count("\n") == 1


async def test_three_after_a_crash(acore: Installation, command: str) -> None:
    code, running = await acore.ended(*acore.altered(_CRASH, command), typed="Hello")
    assert (code, running.out) == (3, "")
    assert running.complaints.count("\n") == 1
    assert "acore.log" in running.complaints
    assert any("KeyError" in line.get("trace", "") for line in acore.log())
