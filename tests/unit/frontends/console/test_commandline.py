"""The command line and its exit codes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from frontends.console import commandline
from frontends.console.commandline import command_names
from frontends.console.invocation import ChatOptions, SettingsSource
from services.domain.errors import (
    AcoreError,
    Busy,
    ConfigurationError,
    ProviderError,
    ProviderFault,
    StorageError,
)
from services.settings import Settings


class Launcher:
    """Notes how the frontends were started, then returns or raises."""

    def __init__(self, outcome: int | BaseException = 0) -> None:
        self.started: list[tuple[Settings, ChatOptions, str | None]] = []
        self._outcome = outcome

    async def __call__(
        self,
        settings: Settings,
        *,
        source: SettingsSource,
        chat: ChatOptions,
        only: str | None = None,
    ) -> int:
        assert source.load() == settings
        self.started.append((settings, chat, only))
        if isinstance(self._outcome, int):
            return self._outcome
        async with asyncio.TaskGroup():
            raise self._outcome


def execute(arguments: list[str], *, launch: Launcher) -> int:
    """Run a command as a process of its own would, leaving this one's log as it was."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    try:
        return commandline.execute(arguments, launch=launch)
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.raiseExceptions = raising


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "data")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--help"], launch=Launcher()) == 0
    printed = capsys.readouterr().out
    assert {"run", "chat", "model", "persona", "backup", "migrate", "warm"} <= set(command_names())
    assert all(f"    {name}" in printed for name in command_names())


@pytest.mark.parametrize("name", command_names())
def test_every_command_takes_the_data_folder_and_the_settings_file(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([name, "--help"], launch=Launcher()) == 0
    printed = capsys.readouterr().out
    assert "--data DIR" in printed
    assert "--config FILE" in printed


def test_naming_no_command_runs_everything(data: str) -> None:
    launcher = Launcher()
    assert execute(["--data", data], launch=launcher) == 0
    assert [(chat, only) for _, chat, only in launcher.started] == [(ChatOptions(), None)]


def test_what_is_asked_on_the_command_line_reaches_the_chat(data: str) -> None:
    launcher = Launcher()
    arguments = ["chat", "--data", data, "--persona", "juno", "--message", "hi", "--json"]
    assert execute(arguments, launch=launcher) == 0
    settings, chat, only = launcher.started[0]
    assert settings.storage.data == Path(data)
    assert chat == ChatOptions(persona="juno", message="hi", as_json=True)
    assert only == "console"


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (ConfigurationError("persona_default", "Set persona.default."), 1),
        (Busy("database_in_use", "Another acore is running."), 2),
        (ProviderError("ollama", ProviderFault.UNREACHABLE, "Start Ollama."), 2),
        (StorageError("disk_full", "The disk is full."), 2),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_a_known_failure_is_one_sentence(
    data: str, error: AcoreError, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["run", "--data", data], launch=Launcher(error)) == exit_code
    assert capsys.readouterr().err == f"{error.user_message}\n"


def test_a_defect_names_the_log_which_has_the_traceback(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["run", "--data", data], launch=Launcher(KeyError("lost"))) == 3
    complaint = capsys.readouterr().err
    log = Path(data) / "logs" / "acore.log"
    assert complaint.count("\n") == 1
    assert str(log) in complaint
    assert "Traceback" in log.read_text()


def test_output_that_nobody_reads_any_more_is_no_failure(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["run", "--data", data], launch=Launcher(BrokenPipeError())) == 0
    assert capsys.readouterr().err == ""


def test_ctrl_c_is_quiet(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "--data", data], launch=Launcher(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [["chat", "--mesage", "hi"], ["juggle"], ["model"]])
def test_a_wrong_argument_is_a_wrong_setting(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments, launch=Launcher()) == 1
    assert "--help" in capsys.readouterr().err


def test_a_settings_file_that_is_not_there_is_one_sentence(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.toml"
    assert execute(["run", "--data", data, "--config", str(missing)], launch=Launcher()) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_backup_is_never_put_into_what_it_backs_up(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["backup", "--data", data, "--to", f"{data}/copies"], launch=Launcher()) == 1
    assert "--to" in capsys.readouterr().err


def test_migrating_creates_the_database(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["migrate", "--data", data], launch=Launcher()) == 0
    assert (Path(data) / "acore.db").exists()
    assert "revision" in capsys.readouterr().out


def test_a_backup_lies_beside_the_data_folder(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(["migrate", "--data", data], launch=Launcher())
    capsys.readouterr()
    assert execute(["backup", "--data", data], launch=Launcher()) == 0
    written = Path(capsys.readouterr().out.strip())
    assert written.parent == Path(data).parent / "backups"
    assert written.stat().st_size > 0
