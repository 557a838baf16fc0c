"""Telling the program to stop: what was begun is finished or kept, and it always ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.process import MAIN, Installation, Process
from tests.fakes.pseudo_terminal import CTRL_D, at_terminal

pytestmark = pytest.mark.timeout(60)

PIECES = ("Once ", "upon ", "a ", "time. ", "There ", "was ", "a ", "sea. ", "The ", "end.")
WHOLE = "".join(PIECES)
SLOW = Answer(pieces=PIECES, delay_each=0.1)
STALLED = Answer(pieces=PIECES, stall_after=6)


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


async def _streaming(running: Process) -> None:
    running.type("Hello")
    await running.shows("time. ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_answer_that_ends_in_time_is_delivered_whole(
    acore: Installation, number: signal.Signals
) -> None:
    acore.server.default = SLOW
    async with acore.running(*acore.program("run")) as running:
        await _streaming(running)
        running.send(number)
        assert await running.ends() == 0
    assert running.out == f"{WHOLE}\n"
    assert await acore.history() == [("Sam", "Hello"), ("Mira", WHOLE)]
    assert any(
        line["event"] == "stopping" and line["asked_by"] == number.name for line in acore.log()
    )


async def test_a_stalled_answer_is_cut_and_what_was_shown_is_kept(acore: Installation) -> None:
    acore.server.default = STALLED
    patience = {"ACORE_CONVERSATION__SHUTDOWN_SECONDS": "0.5"}
    async with acore.running(*acore.program("run"), **patience) as running:
        await _streaming(running)
        running.send(signal.SIGTERM)
        assert await running.ends(within=5) == 0
    assert running.out == "Once upon a time. There was —\n"
    _, kept = await acore.history()
    assert kept == ("Mira", "Once upon a time. There was")


async def test_while_answers_end_nothing_new_is_taken_in(acore: Installation) -> None:
    acore.server.default = SLOW
    async with acore.running(*acore.program("run")) as running:
        await _streaming(running)
        running.send(signal.SIGTERM)
        running.type("One more thing")
        assert await running.ends() == 0
    assert len(acore.server.chats) == 1
    assert ("Sam", "One more thing") not in await acore.history()


async def test_a_second_signal_ends_at_once_and_keeps_the_data_sound(acore: Installation) -> None:
    acore.server.default = STALLED
    async with acore.running(*acore.program("run")) as running:
        await _streaming(running)
        running.send(signal.SIGTERM)
        await asyncio.sleep(0.3)
        running.send(signal.SIGTERM)
        assert await running.ends(within=3) == 128 + signal.SIGTERM
    assert acore.log()[-1]["event"] == "ended at once"
    _, kept = await acore.history()
    assert kept[0] == "Mira"
    assert kept[1].startswith("Once upon a time. ")


_ENDLESS_START = """
import asyncio
from services.storage.database import Database
async def endless(self):
    print("opening", flush=True)
    await asyncio.sleep(3600)
Database.__aenter__ = endless
"""


async def test_being_told_to_stop_during_the_start_ends_it(acore: Installation) -> None:
    async with acore.running(*acore.altered(_ENDLESS_START, "run")) as running:
        await running.shows("opening")
        running.send(signal.SIGTERM)
        assert await running.ends(within=3) == 0


async def test_idle_it_ends_at_once(acore: Installation) -> None:
    async with acore.running(*acore.program("run")) as running:
        running.type("Hello")
        await running.shows("Hello there.\n")
        running.send(signal.SIGTERM)
        assert await running.ends(within=3) == 0


_STUBBORN = """
import asyncio
from functools import partial
import frontends.console.app as app
import frontends.launcher as launcher
async def stubborn(services, **_):
    print("here", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
app.run_console = stubborn
launcher.Stopping = partial(launcher.Stopping, limit_seconds=1.0)
"""


async def test_what_does_not_let_itself_be_stopped_is_ended_by_the_watchdog(
    acore: Installation,
) -> None:
    async with acore.running(*acore.altered(_STUBBORN, "run")) as running:
        await running.shows("here")
        running.send(signal.SIGTERM)
        assert await running.ends(within=5) == 3
    last = acore.log()[-1]
    assert (last["level"], last["event"]) == ("CRITICAL", "stopping took too long")


# -- frontends beside the console

_COMPANION = """
import asyncio
import frontends.launcher as launcher
console = launcher.frontends
async def companion(services):
    print("companion", flush=True)
    await asyncio.sleep(SECONDS)
    ENDING
def both(settings, **options):
    return (*console(settings, **options),
            launcher.Frontend(name="companion", enabled=True, run=companion))
launcher.frontends = both
"""


def _companion(*, seconds: float, ending: str) -> str:
    return _COMPANION.replace("SECONDS", str(seconds)).replace("ENDING", ending)


_LASTING = _companion(seconds=3600, ending="return 0")


async def test_a_console_without_input_ends_alone(acore: Installation) -> None:
    async with acore.running(*acore.altered(_LASTING, "run")) as running:
        running.type("Hello")
        await running.shows("Hello there.\n")
        running.end_input()
        await asyncio.sleep(0.5)
        assert running.process.returncode is None
        running.send(signal.SIGTERM)
        assert await running.ends(within=5) == 0


async def test_as_a_daemon_it_serves_until_it_is_told_to_stop(acore: Installation) -> None:
    web = {"ACORE_WEB__ENABLED": "true", "ACORE_WEB__PORT": "0"}
    async with acore.running(*acore.program("run"), **web) as running:
        running.type("Hello")
        running.end_input()
        await running.shows("Hello there.\n")
        async with asyncio.timeout(20):
            while not any(line["event"] == "web server listens" for line in acore.log()):  # noqa: ASYNC110  it is a file
                await asyncio.sleep(0.1)
        assert running.process.returncode is None
        running.send(signal.SIGTERM)
        assert await running.ends(within=5) == 0
    assert any(line["event"] == "web server listens" for line in acore.log())


async def test_quitting_ends_the_whole_program(acore: Installation) -> None:
    async with acore.running(*acore.altered(_LASTING, "run")) as running:
        await running.shows("companion")
        running.type("/quit")
        assert await running.ends(within=5) == 0


async def test_leaving_at_a_terminal_ends_the_whole_program(acore: Installation) -> None:
    program = acore.altered(_LASTING, "run")
    async with at_terminal(*program, env=acore.env, cwd=acore.folder) as terminal:
        await terminal.prompts()
        terminal.type(CTRL_D)
        assert await terminal.ends() == 0


async def test_a_frontend_that_crashes_lets_the_others_finish(acore: Installation) -> None:
    acore.server.default = SLOW
    crash = _companion(seconds=0.8, ending="raise KeyError('lost')")
    async with acore.running(*acore.altered(crash, "run")) as running:
        running.type("Hello")
        assert await running.ends() == 3
    assert running.out.replace("companion\n", "") == f"{WHOLE}\n"
    assert running.complaints.count("\n") == 1
    assert "acore.log" in running.complaints
    assert any(
        line["event"] == "frontend failed" and line["frontend"] == "companion"
        for line in acore.log()
    )


async def test_a_console_that_is_switched_off_does_not_listen(acore: Installation) -> None:
    acore.env["ACORE_CONSOLE__ENABLED"] = "false"
    async with acore.running(*acore.altered(_LASTING, "run")) as running:
        await running.shows("companion")
        running.type("Hello")
        await asyncio.sleep(0.3)
        running.send(signal.SIGTERM)
        assert await running.ends(within=5) == 0
    assert acore.server.chats == []
    code, chat = await acore.ended(*acore.program("chat", "--message", "Hello"))
    assert (code, chat.out) == (0, "Hello there.\n")


# -- terminals


async def test_a_closed_terminal_ends_the_program(acore: Installation) -> None:
    async with at_terminal(*acore.program("run"), env=acore.env, cwd=acore.folder) as terminal:
        await terminal.say("Hello")
        await terminal.shows("Hello there")
        await terminal.prompts()
        terminal.hang_up()
        assert await terminal.ends() == 0
    assert ("Mira", "Hello there.") in await acore.history()


async def test_ctrl_c_at_the_prompt_still_asks_first(acore: Installation) -> None:
    async with at_terminal(*acore.program("run"), env=acore.env, cwd=acore.folder) as terminal:
        await terminal.prompts()
        os.kill(terminal.process.pid, signal.SIGINT)
        await terminal.shows("Press Ctrl-C again")
        await terminal.prompts()
        os.kill(terminal.process.pid, signal.SIGINT)
        assert await terminal.ends() == 0
