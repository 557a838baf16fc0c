"""The setup as a person goes through it, at a terminal and through a pipe."""

from __future__ import annotations

import stat
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from frontends.console.wizard import first_run_hint
from services.configuration import load_settings
from tests.fakes.ollama_server import FakeOllama, Model
from tests.fakes.openai_server import FakeOpenAi
from tests.fakes.pseudo_terminal import CTRL_C, ENTER, PseudoTerminal, at_terminal
from tests.journeys.program import MAIN, Ended, Program

pytestmark = pytest.mark.timeout(90)

SECRET = "sk-typed-" + "1234567890abcdef"
_OTHER_VARIABLES = ("OPENAI_", "OPENROUTER_", "REQUESTY_")


class Newcomer:
    """Somebody who has acore, an Ollama server, and no settings yet."""

    def __init__(self, folder: Path, server: FakeOllama) -> None:
        self.folder = folder
        self.server = server
        self.config = folder / "config.toml"
        self.dotenv = folder / ".env"
        self.program = Program(folder, OLLAMA_HOST=server.url)
        for name in [name for name in self.program.env if name.startswith(_OTHER_VARIABLES)]:
            del self.program.env[name]

    async def answer(self, *lines: str) -> Ended:
        typed = "".join(f"{line}\n" for line in lines)
        return await self.program.run("setup", typed=typed.encode())

    def at_terminal(self) -> AbstractAsyncContextManager[PseudoTerminal]:
        program = (sys.executable, MAIN, "setup", "--data", self.program.data)
        return at_terminal(*map(str, program), env=self.program.env, cwd=self.folder)

    def settings(self) -> dict[str, dict[str, object]]:
        return tomllib.loads(self.config.read_text())


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    models = {"tiny": Model(), "second:8b": Model(size=5 * 2**30)}
    async with FakeOllama(models=models).running() as server:
        yield Newcomer(tmp_path, server)


async def test_enter_alone_takes_the_ollama_that_is_there(newcomer: Newcomer) -> None:
    ended = await newcomer.answer("", "", "", "", "")
    assert ended.code == 0, ended.complaints
    assert "with 2 models" in ended.out
    assert "tiny: Hello there." in ended.out
    assert newcomer.settings() == {"llm": {"endpoint": "ollama", "model": "tiny"}}
    assert not newcomer.dotenv.exists()


async def test_what_was_set_up_is_what_the_program_then_uses(newcomer: Newcomer) -> None:
    await newcomer.answer("1", "second:8b", "Robin", "orin", "y")
    assert newcomer.settings()["persona"] == {"user_name": "Robin", "default": "orin"}
    ended = await newcomer.program.say("Hello")
    assert ended.code == 0, ended.complaints
    assert newcomer.server.chats[-1].body["model"] == "second:8b"
    assert ended.events[0]["persona_name"].startswith("Orin")


async def test_at_a_terminal_the_same_questions_are_asked(newcomer: Newcomer) -> None:
    async with newcomer.at_terminal() as terminal:
        for question in ("Model from", "Model", "call you", "Character"):
            await terminal.shows(rf"{question} \[.*\]: ")
            terminal.type(ENTER)
        await terminal.shows(r"tiny: Hello there\.")
        await terminal.shows(r"Write this\? \(Y/n\)")
        terminal.type(ENTER)
        await terminal.shows("Done")
        assert await terminal.ends() == 0
    assert newcomer.settings()["llm"]["model"] == "tiny"


async def test_ctrl_c_leaves_everything_as_it_was(newcomer: Newcomer) -> None:
    newcomer.config.write_text("# mine\n")
    async with newcomer.at_terminal() as terminal:
        await terminal.shows(r"Model from \[1\]: ")
        terminal.type(f"1{ENTER}")
        await terminal.shows(r"Model \[1\]: ")
        terminal.type(CTRL_C)
        await terminal.shows("Nothing was written")
        assert await terminal.ends() == 130
    assert newcomer.config.read_text() == "# mine\n"
    assert {path.name for path in newcomer.folder.iterdir()} <= {"config.toml", "data"}


async def test_answers_that_end_early_write_nothing(newcomer: Newcomer) -> None:
    ended = await newcomer.answer("1")
    assert ended.code == 1
    assert "nothing was written" in ended.one_sentence()
    assert not newcomer.config.exists()


async def test_a_key_goes_into_dotenv_unseen_and_never_into_toml(newcomer: Newcomer) -> None:
    newcomer.dotenv.write_text("MINE=1\n")
    newcomer.dotenv.chmod(0o644)
    async with FakeOpenAi(key=SECRET).running() as server, newcomer.at_terminal() as terminal:
        for question, answer in (
            ("Model from", "2"),
            ("Service", "4"),
            ("included", server.url),
            ("key", SECRET),
            ("Model", ""),
            ("call you", ""),
            ("Character", ""),
            (r"Write this\?", ""),
        ):
            await terminal.shows(rf"{question}[^\n]*: ")
            terminal.type(f"{answer}{ENTER}")
        await terminal.shows("Done")
        assert await terminal.ends() == 0
        assert SECRET not in terminal.text
    assert newcomer.dotenv.read_text() == f"MINE=1\nACORE_OPENAI__API_KEY={SECRET}\n"
    assert stat.S_IMODE(newcomer.dotenv.stat().st_mode) == 0o600
    assert SECRET not in newcomer.config.read_text()
    assert newcomer.settings() == {
        "llm": {"endpoint": "openai", "model": "tiny"},
        "openai": {"base_url": server.url},
    }


async def test_a_wrong_key_is_told_before_anything_is_written(newcomer: Newcomer) -> None:
    async with FakeOpenAi(key=SECRET).running() as server:
        ended = await newcomer.answer("2", "4", server.url, "sk-wrong", "tiny", "", "", "")
    assert "it says 401" in ended.out
    assert "That did not work" in ended.out
    assert "Nothing was written." in ended.out
    assert not newcomer.config.exists()
    assert not newcomer.dotenv.exists()


async def test_what_people_wrote_in_the_settings_stays(newcomer: Newcomer) -> None:
    before = '# my own\n[llm]\nmodel = "gone"  # liked it\nnum_ctx = 4096\n\n[web]\nport = 9000\n'
    newcomer.config.write_text(before)
    ended = await newcomer.answer("1", "tiny", "", "", "y")
    assert ended.code == 0, ended.complaints
    assert '(was "gone")' in ended.out
    assert newcomer.config.read_text() == before.replace('"gone"', '"tiny"').replace(
        "num_ctx = 4096\n", 'num_ctx = 4096\nendpoint = "ollama"\n'
    )


async def test_saying_no_changes_nothing(newcomer: Newcomer) -> None:
    newcomer.config.write_text("# mine\n")
    ended = await newcomer.answer("1", "tiny", "", "", "n")
    assert ended.code == 0
    assert newcomer.config.read_text() == "# mine\n"


async def test_settings_that_cannot_be_changed_safely_are_left_alone(newcomer: Newcomer) -> None:
    newcomer.config.write_text('llm = { model = "gone" }\n')
    ended = await newcomer.answer("1", "tiny", "", "", "y")
    assert ended.code == 1
    assert 'llm.model = "tiny"' in ended.one_sentence()
    assert newcomer.config.read_text() == 'llm = { model = "gone" }\n'


async def test_a_variable_that_decides_over_the_file_is_named(newcomer: Newcomer) -> None:
    newcomer.program.env["OLLAMA_MODEL"] = "tiny"
    ended = await newcomer.answer("1", "second:8b", "", "", "y")
    assert "OLLAMA_MODEL in the environment decides over llm.model" in ended.out


async def test_without_ollama_the_built_in_model_is_offered(newcomer: Newcomer) -> None:
    newcomer.program.env["OLLAMA_HOST"] = ""
    newcomer.program.env["ACORE_EMBEDDED__MODEL"] = "not-there"
    ended = await newcomer.answer("3", "", "", "")
    assert ended.code == 0, ended.complaints
    assert "make model" in ended.out
    assert newcomer.settings() == {"llm": {"endpoint": "embedded"}}


async def test_a_second_setup_with_the_same_answers_writes_nothing(newcomer: Newcomer) -> None:
    await newcomer.answer("", "", "", "", "")
    before = newcomer.config.stat().st_mtime_ns
    ended = await newcomer.answer("", "", "", "")
    assert "nothing to write" in ended.out
    assert newcomer.config.stat().st_mtime_ns == before


# -- the hint


def _hint(folder: Path, **environ: str) -> str | None:
    settings = load_settings(
        overrides={"storage.data": folder / "data"}, environ=environ, cwd=folder
    )
    return first_run_hint(settings, environ, folder)


def test_the_hint_is_for_somebody_with_nothing_configured(tmp_path: Path) -> None:
    assert "main.py setup" in (_hint(tmp_path) or "")


@pytest.mark.parametrize(
    "variable", ["OLLAMA_HOST", "OPENAI_API_KEY", "ACORE_LLM__MODEL", "ACORE_EMBEDDED__MODEL"]
)
def test_no_hint_where_a_variable_chooses_the_model(tmp_path: Path, variable: str) -> None:
    assert _hint(tmp_path, **{variable: "x"}) is None


def test_no_hint_where_dotenv_chooses_the_model(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OLLAMA_MODEL=tiny\n")
    assert _hint(tmp_path) is None


def test_no_hint_with_settings_or_after_the_first_time(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    assert _hint(tmp_path) is None
    (tmp_path / "config.toml").unlink()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "acore.db").touch()
    assert _hint(tmp_path) is None
