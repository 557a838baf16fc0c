"""The program as people and scripts start it, against a scripted model server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.pseudo_terminal import CTRL_C, CTRL_D, PseudoTerminal, at_terminal

pytestmark = pytest.mark.timeout(90)

MAIN = Path(__file__).parents[2] / "main.py"
_OWN_VARIABLES = ("ACORE_", "OLLAMA_", "LLM_", "DATABASE_PATH", "NO_COLOR")
_SLOW = Answer(pieces=("Once ", "upon ", "a ", "time. "), delay_each=0.05, endless=True)


@dataclass(frozen=True)
class Ended:
    """What a finished program left."""

    code: int
    out: str
    complaints: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]


class Acore:
    """Starts the program over one data folder."""

    def __init__(self, folder: Path, server: FakeOllama) -> None:
        self.folder = folder
        self.server = server
        self.data = folder / "data"
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)
        } | {
            "OLLAMA_HOST": server.url,
            "OLLAMA_MODEL": "tiny",
            "ACORE_LLM__EMBEDDED": "never",
            "ACORE_PERSONA__USER_NAME": "Sam",
            "ACORE_WEB__ENABLED": "false",
        }

    def program(self, command: str, *arguments: str) -> Sequence[str]:
        return [sys.executable, str(MAIN), command, "--data", str(self.data), *arguments]

    async def start(self, command: str, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.program(command, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.env,
            cwd=self.folder,
        )

    async def run(self, command: str, *arguments: str, typed: bytes = b"") -> Ended:
        process = await self.start(command, *arguments)
        out, complaints = await process.communicate(typed)
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), complaints.decode())

    def chat(self) -> AbstractAsyncContextManager[PseudoTerminal]:
        return at_terminal(*self.program("chat"), env=self.env, cwd=self.folder)

    async def history(self) -> list[tuple[str, str]]:
        ended = await self.run("chat", "--json", "--message", "/history")
        return [(entry["author"], entry["text"]) for entry in ended.events[0]["entries"]]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database, which takes the longest to make."""
    data = tmp_path_factory.mktemp("blank") / "data"
    subprocess.run([sys.executable, MAIN, "migrate", "--data", data], check=True)
    return data


@pytest.fixture
async def acore(tmp_path: Path, blank: Path) -> AsyncIterator[Acore]:
    shutil.copytree(blank, tmp_path / "data")
    async with FakeOllama().running() as server:
        yield Acore(tmp_path, server)


async def _until(process: asyncio.subprocess.Process, kind: str, *, times: int = 1) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while times:
            times -= json.loads(await process.stdout.readline())["kind"] == kind


# -- one message


async def test_a_message_is_answered_event_by_event(acore: Acore) -> None:
    ended = await acore.run("chat", "--message", "Hello", "--json")
    assert ended.code == 0, ended.complaints
    assert (ended.kinds[0], ended.kinds[-1]) == ("turn_started", "turn_finished")
    assert ended.events[-1]["reply"]["text"] == "Hello there."
    deltas = [event["text"] for event in ended.events if event["kind"] == "text_delta"]
    assert "".join(deltas) == "Hello there."
    assert ended.complaints == ""


async def test_as_text_the_answer_stands_alone(acore: Acore) -> None:
    ended = await acore.run("chat", "--message", "Hello")
    assert (ended.code, ended.out, ended.complaints) == (0, "Hello there.\n", "")


async def test_a_server_that_is_gone_is_exit_code_two_and_a_sentence(acore: Acore) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        acore.env["OLLAMA_HOST"] = f"http://127.0.0.1:{unused.getsockname()[1]}"
    as_text = await acore.run("chat", "--message", "Hello")
    assert (as_text.code, as_text.out) == (2, "")
    assert as_text.complaints.count("\n") == 1
    as_json = await acore.run("chat", "--message", "Hello", "--json")
    assert as_json.code == 2
    assert as_json.events[-1]["kind"] == "turn_failed"
    assert as_json.events[-1]["code"] == "provider_unreachable"


async def test_a_character_can_be_chosen_and_an_unknown_one_is_refused(acore: Acore) -> None:
    listed = json.loads((await acore.run("persona", "list", "--json")).out)
    other = next(known["slug"] for known in listed if known["slug"] != "mira")
    ended = await acore.run("chat", "--persona", other, "--message", "Hello", "--json")
    assert ended.events[0]["persona_name"].lower().startswith(other[:3])
    refused = await acore.run("chat", "--persona", "nobody", "--message", "Hello", "--json")
    assert (refused.code, refused.kinds) == (1, ["refused"])


async def test_output_that_is_cut_off_ends_quietly(acore: Acore) -> None:
    acore.server.default = _SLOW
    process = await acore.start("chat", "--message", "Hello", "--json")
    await _until(process, "text_delta")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


async def test_a_full_disk_behind_the_output_is_told_in_a_sentence(acore: Acore) -> None:
    command = [*acore.program("chat", "--message", "Hello")]
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230
        process = await asyncio.create_subprocess_exec(
            *command, stdout=full, stderr=asyncio.subprocess.PIPE, env=acore.env, cwd=acore.folder
        )
    _, complaints = await process.communicate()
    assert process.returncode == 2
    assert complaints.decode().startswith("The output cannot be written")
    assert complaints.count(b"\n") == 1


async def test_a_second_program_on_the_same_data_is_turned_away(acore: Acore) -> None:
    process = await acore.start("chat", "--json")
    assert process.stdin is not None
    process.stdin.write(b"Hello\n")
    await _until(process, "turn_finished")
    second = await acore.run("chat", "--message", "Hello")
    assert second.code == 2
    assert "--data" in second.complaints
    process.stdin.close()
    assert await process.wait() == 0


# -- line by line


async def test_every_line_is_answered_in_its_turn(acore: Acore) -> None:
    acore.server.answers.extend(Answer(pieces=[f"Answer {number}."]) for number in (1, 2))
    ended = await acore.run("chat", typed=b"one\n\ntwo")
    assert (ended.code, ended.out) == (0, "Answer 1.\nAnswer 2.\n")


async def test_bytes_that_are_not_text_do_not_end_the_talk(acore: Acore) -> None:
    ended = await acore.run("chat", "--json", typed=b"caf\xff\nnext\n")
    assert ended.code == 0
    assert ended.kinds.count("turn_finished") == 2
    assert [text for author, text in await acore.history() if author == "Sam"] == [
        "caf\ufffd",
        "next",
    ]


async def test_a_megabyte_on_one_line_is_refused_in_a_sentence(acore: Acore) -> None:
    ended = await acore.run("chat", typed=b"x" * 1_000_000 + b"\nnext\n")
    assert (ended.code, ended.out) == (0, "Hello there.\n")
    assert ended.complaints.count("\n") == 1
    assert "1,000,000" in ended.complaints


async def test_a_script_can_use_the_commands(acore: Acore) -> None:
    acore.server.answers.extend(Answer(pieces=[f"Answer {number}."]) for number in range(1, 5))
    script = b"Hello\n/regen\n/swipe left\n/edit Hi\n/undo\n//slash\n/quit\nnever\n"
    ended = await acore.run("chat", "--json", typed=script)
    assert ended.code == 0
    version = next(event for event in ended.events if event["kind"] == "version")
    assert (version["text"], version["index"], version["count"]) == ("Answer 1.", 0, 2)
    assert await acore.history() == [("Sam", "/slash"), ("Mira", "Answer 3.")]


async def test_without_a_terminal_run_reads_lines_too(acore: Acore) -> None:
    ended = await acore.run("run", typed=b"Hello\n")
    assert (ended.code, ended.out) == (0, "Hello there.\n")


# -- signals


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)]
)
async def test_being_told_to_stop_keeps_what_was_shown(
    acore: Acore, number: signal.Signals, code: int
) -> None:
    acore.server.default = _SLOW
    process = await acore.start("chat", "--message", "Hello", "--json")
    await _until(process, "text_delta", times=6)
    process.send_signal(number)
    rest, complaints = await process.communicate()
    last = json.loads(rest.splitlines()[-1])
    assert (process.returncode, complaints) == (code, b"")
    assert (last["kind"], last["reason"]) == ("turn_interrupted", "shutdown")
    kept = (await acore.history())[-1][1]
    assert kept == last["reply"]["text"]
    assert kept.startswith("Once upon")


async def test_being_told_to_stop_while_nothing_happens_ends_at_once(acore: Acore) -> None:
    process = await acore.start("chat", "--json")
    assert process.stdin is not None
    process.stdin.write(b"Hello\n")
    await _until(process, "turn_finished")
    process.terminate()
    async with asyncio.timeout(5):
        assert await process.wait() == 0


# -- at a terminal


async def test_a_first_talk_from_greeting_to_leaving(acore: Acore) -> None:
    async with acore.chat() as terminal:
        await terminal.shows("tiny")
        await terminal.shows("Mira: ")
        await terminal.say("Hello")
        await terminal.shows("Mira: Hello there\\.\r\n")
        await terminal.say("/regn")
        await terminal.shows("did you mean /regen")
        await terminal.say("/why")
        await terminal.shows("model")
        await terminal.prompts()
        terminal.type(CTRL_C)
        await terminal.shows("Press Ctrl-C again to leave\\.")
        await terminal.prompts()
        terminal.type(CTRL_C)
        assert await terminal.ends() == 0
        assert "Traceback" not in terminal.text


async def test_ctrl_c_stops_an_answer_and_keeps_what_was_shown(acore: Acore) -> None:
    async with acore.chat() as terminal:
        await terminal.prompts()
        acore.server.default = _SLOW
        terminal.type("Tell me a story\r")
        await terminal.shows("Once upon a")
        acore.server.default = Answer()
        terminal.type(CTRL_C)
        await terminal.shows("—\r\n")
        await terminal.say("Hello")
        await terminal.shows("Mira: Hello there\\.")
        await terminal.prompts()
        terminal.type(CTRL_D)
        assert await terminal.ends() == 0
    talk = await acore.history()
    assert [author for author, _ in talk][-4:] == ["Sam", "Mira", "Sam", "Mira"]
    assert talk[-3][1].startswith("Once upon a")


async def test_versions_of_an_answer_and_taking_it_back(acore: Acore) -> None:
    acore.server.default = Answer(pieces=["Answer 1."])
    async with acore.chat() as terminal:
        await terminal.say("Hello")
        await terminal.shows("Mira: Answer 1\\.")
        acore.server.default = Answer(pieces=["Answer 2."])
        await terminal.say("/regen")
        await terminal.shows("version 2 of 2\\)\r\n.*Mira: Answer 2\\.")
        await terminal.say("/swipe left")
        await terminal.shows("version 1 of 2\\)\r\nMira: Answer 1\\.")
        await terminal.say("/undo")
        await terminal.shows("Taken back: Sam: Hello")
        await terminal.say("/quit")
        assert await terminal.ends() == 0


async def test_the_next_start_shows_what_was_said_and_what_was_typed(acore: Acore) -> None:
    async with acore.chat() as terminal:
        await terminal.say("Remember the tide")
        await terminal.shows("Hello there")
        await terminal.say("/quit")
        assert await terminal.ends() == 0
    async with acore.chat() as terminal:
        await terminal.shows("Sam: Remember the tide\r\n")
        await terminal.shows("Mira: Hello there\\.")
        await terminal.prompts()
        assert "OLLAMA_HOST" not in terminal.text
        terminal.type("\x1b[A\x1b[A")
        await terminal.shows("Remember the tide")
        terminal.type(CTRL_C)
        await terminal.prompts()
        terminal.type(CTRL_C)
        assert await terminal.ends() == 0
    assert (acore.data / "console_history").stat().st_mode & 0o777 == 0o600


async def test_what_is_typed_during_an_answer_waits_for_the_prompt(acore: Acore) -> None:
    acore.server.default = Answer(pieces=("Let ", "me ", "think. "), delay_each=0.3)
    async with acore.chat() as terminal:
        await terminal.say("Hello")
        await terminal.shows("Mira: Let")
        terminal.type("And then")
        await terminal.shows("me think\\. ?\r\n")
        await terminal.prompts()
        await terminal.shows("And then")
        terminal.type(CTRL_C)
        await terminal.prompts()
        terminal.type(CTRL_D)
        assert await terminal.ends() == 0


async def test_a_missing_model_can_be_fetched_on_the_spot(acore: Acore) -> None:
    acore.env["OLLAMA_MODEL"] = "absent"
    acore.server.pull = (
        {"status": "pulling", "total": 2_000_000, "completed": 1_000_000},
        {"status": "success"},
    )
    async with acore.chat() as terminal:
        await terminal.say("Hello")
        await terminal.shows("absent.*\r\n")
        await terminal.prompts()
        await terminal.shows("Fetch absent now\\? \\(y/N\\)")
        terminal.type("y\r")
        await terminal.shows("absent: pulling 50 %")
        await terminal.shows("absent: success")
        await terminal.prompts()
        terminal.type(CTRL_D)
        assert await terminal.ends() == 0


async def test_sigterm_at_the_prompt_leaves_the_terminal_as_it_was(acore: Acore) -> None:
    async with acore.chat() as terminal:
        await terminal.prompts()
        await asyncio.sleep(0.2)
        terminal.process.terminate()
        assert await terminal.ends() == 0
        assert "Traceback" not in terminal.text


# -- other commands


async def test_models_are_listed_shown_and_fetched(acore: Acore) -> None:
    listed = await acore.run("model", "list")
    assert listed.out.split()[0] == "tiny"
    shown = await acore.run("model", "show")
    assert "tokens" in shown.out
    fetched = await acore.run("model", "pull", "other")
    assert (fetched.code, fetched.out) == (0, "other: success\n")


async def test_the_default_named_or_every_character_is_warmed(acore: Acore) -> None:
    assert (await acore.run("warm")).out.splitlines() == ["mira: ready"]
    assert (await acore.run("warm", "orin")).out.splitlines() == ["orin: ready"]
    everybody = await acore.run("warm", "--all")
    assert everybody.code == 0
    assert {"mira: ready", "orin: ready"} < set(everybody.out.splitlines())
