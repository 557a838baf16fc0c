"""What goes wrong outside costs one clear sentence, never a traceback or what was said."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from tests.fakes.ollama_server import Answer, FakeOllama, Model
from tests.journeys.program import SMALL_MODEL, Program

pytestmark = pytest.mark.timeout(40)


async def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    config = tmp_path / "broken.toml"
    config.write_text("[llm\nmodel = 3")
    ended = await Program(tmp_path).run("chat", "--config", str(config), "--message", "Hi")
    assert ended.code == 1
    assert "broken.toml" in ended.complaints
    assert "Traceback" not in ended.complaints


async def test_a_misspelt_key_offers_the_nearest(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[llm]\nmodl = "x"\n')
    ended = await Program(tmp_path).run("chat", "--config", str(config), "--message", "Hi")
    assert ended.code == 1
    assert "llm.model" in ended.complaints


async def test_a_misspelt_variable_is_refused(tmp_path: Path) -> None:
    ended = await Program(tmp_path, ACORE_LLM__MODLE="x").say("Hi")
    assert ended.code == 1
    assert "ACORE_LLM__MODEL" in ended.complaints


async def test_an_unreachable_server_is_named(tmp_path: Path) -> None:
    ended = await Program(tmp_path).asking("http://127.0.0.1:9").say("Hi")
    assert ended.code == 2
    assert ended.kinds[-1] == "turn_failed"
    assert "127.0.0.1:9" in ended.events[-1]["user_message"]


async def test_an_unknown_model_says_how_to_get_it(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        program.env["OLLAMA_MODEL"] = "no-such-model"
        ended = await program.say("Hi")
    assert ended.code == 2
    assert "model pull no-such-model" in ended.events[-1]["user_message"]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([Answer(stall_after=0)], "provider_timeout"),
        ([Answer(stall_after=2)], "provider_timeout"),
        ([Answer(cut_after=2)], "provider_broken_stream"),
        ([Answer(raw_after=(1, b"{garbage\n"))], "provider_malformed"),
        ([Answer(pieces=())] * 2, "provider_empty"),
        ([Answer(status=500, error="oops")], "provider_server_error"),
    ],
    ids=["stall first", "stall later", "cut", "garbage", "empty", "500"],
)
async def test_a_failing_provider_costs_one_answer_and_the_next_one_works(
    tmp_path: Path, answers: list[Answer], code: str
) -> None:
    models = {"tiny": Model(running=True)}
    async with FakeOllama(models=models, answers=deque(answers)).running() as server:
        program = Program(tmp_path).asking(server.url)
        program.env |= {
            "ACORE_LLM__FIRST_TOKEN_TIMEOUT_SECONDS": "0.5",
            "ACORE_LLM__STALL_TIMEOUT_SECONDS": "0.5",
        }
        async with program.chatting() as chat:
            failed = await chat.say("Hello")
            assert failed["kind"] == "turn_failed"
            assert failed["code"] == code
            assert failed["user_message"].endswith(".")
            assert (await chat.say("Again"))["kind"] == "turn_finished"


async def test_an_endless_answer_is_cut(tmp_path: Path) -> None:
    async with FakeOllama(answers=deque([Answer(endless=True)])).running() as server:
        program = Program(tmp_path).asking(server.url)
        program.env["ACORE_LLM__MAX_ANSWER_CHARACTERS"] = "500"
        async with program.chatting() as chat:
            finished = await chat.say("Go on")
    assert finished["kind"] == "turn_finished"
    assert len(finished["reply"]["text"]) < 2000


async def test_a_message_of_a_megabyte_is_refused_and_the_next_answered(tmp_path: Path) -> None:
    async with (
        FakeOllama().running() as server,
        Program(tmp_path).asking(server.url).chatting() as chat,
    ):
        assert (await chat.say("x" * 1_000_000))["code"] == "message_too_long"
        assert (await chat.say("short"))["kind"] == "turn_finished"


async def test_bytes_that_are_not_utf8_do_not_end_the_chat(tmp_path: Path) -> None:
    async with (
        FakeOllama().running() as server,
        Program(tmp_path).asking(server.url).chatting() as chat,
    ):
        assert (await chat.say(b"caf\xe9 \xff"))["kind"] == "turn_finished"


async def test_two_programs_cannot_share_a_folder(tmp_path: Path) -> None:
    async with FakeOllama().running() as server:
        program = Program(tmp_path).asking(server.url)
        async with program.chatting() as chat:
            assert (await chat.say("Hello"))["kind"] == "turn_finished"
            ended = await program.say("Me too")
            assert ended.code != 0
            assert "Another acore" in ended.complaints
            assert (await chat.say("Still here"))["kind"] == "turn_finished"


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.data.mkdir()
    file = program.data / "acore.db"
    file.write_bytes(b"my diary, not a database " * 500)
    before = file.read_bytes()
    ended = await program.say("Hi")
    assert ended.code == 2
    assert "acore.db" in ended.complaints
    assert "Traceback" not in ended.complaints
    assert file.read_bytes() == before


async def test_a_truncated_model_is_refused_in_a_sentence(tmp_path: Path) -> None:
    if not SMALL_MODEL.exists():
        pytest.skip("the small model is not installed: run `make setup MODEL=small`")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(SMALL_MODEL.read_bytes()[:1_000_000])
    ended = await Program(tmp_path, ACORE_EMBEDDED__MODEL=str(cut)).say("Hi")
    assert ended.code == 2
    assert "cut.gguf" in ended.events[-1]["user_message"]
