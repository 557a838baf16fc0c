"""The log: what a line says, what it never says, and that writing it hurts nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.observability import log_file
from services.observability import logging as acore_logging
from services.observability.log_file import LogFile
from services.observability.logging import (
    correlated,
    hidden_secrets,
    hide_secrets,
    reconfigure_logging,
    start_logging,
    stop_logging,
    turn_id,
)
from services.settings import LoggingSettings

ROOT = Path(__file__).parents[3]

logger = logging.getLogger("acore.test")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Where the log goes; this process's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    yield tmp_path / "logs" / "acore.log"
    stop_logging()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


def lines(log: Path) -> list[dict[str, Any]]:
    stop_logging()
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_line_says_when_what_and_what_it_belongs_to(log: Path) -> None:
    start_logging(LoggingSettings(), log)
    token = turn_id.set("01TURN")
    with correlated("01MESSAGE"):
        logger.warning("turn failed", extra={"code": "provider_timeout"})
    turn_id.reset(token)
    (line,) = lines(log)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "acore.test",
        "event": "turn failed",
        "correlation": "01MESSAGE",
        "turn": "01TURN",
        "code": "provider_timeout",
    }


async def test_tasks_carry_on_what_they_belong_to(log: Path) -> None:
    start_logging(LoggingSettings(), log)

    async def work(name: str) -> None:
        await asyncio.sleep(0)
        logger.info("working", extra={"who": name})

    async with asyncio.TaskGroup() as group:
        for name in ("one", "two"):
            with correlated(name):
                group.create_task(work(name))
    assert [(line["who"], line["correlation"]) for line in lines(log)] == [
        ("one", "one"),
        ("two", "two"),
    ]


def test_what_people_say_is_left_out_unless_asked_for(log: Path) -> None:
    start_logging(LoggingSettings(), log)
    logger.info("said", extra={"text": "my secret love", "characters": 14})
    assert "love" not in log_of(log)
    start_logging(LoggingSettings(log_content=True), log)
    logger.info("said", extra={"text": "my secret love", "characters": 14})
    assert "my secret love" in log_of(log)


def log_of(log: Path) -> str:
    stop_logging()
    return log.read_text()


def test_secrets_stay_out_of_extras_and_traces(log: Path) -> None:
    start_logging(LoggingSettings(), log, secrets=["open sesame"])
    hide_secrets(["learnt later"])
    try:
        int("open sesame and learnt later")
    except ValueError:
        logger.exception(
            "failed at %s", "open sesame", extra={"url": "http://u:pass1@example.org/"}
        )
    text = log_of(log)
    assert "Traceback" in text
    assert "sesame" not in text
    assert "learnt later" not in text
    assert "pass1" not in text


def test_what_is_hidden_is_known_to_others_who_have_to_hide_it(log: Path) -> None:
    start_logging(LoggingSettings(), log, secrets=["open sesame"])
    hide_secrets(["learnt later"])
    assert {"open sesame", "learnt later"} <= hidden_secrets()
    stop_logging()
    assert not hidden_secrets()


def test_lines_for_people_show_everything_on_one_line(log: Path) -> None:
    start_logging(LoggingSettings(format="console"), log)
    with correlated("01MESSAGE"):
        logger.error("went\nwrong", extra={"reason": 'no "disk"\nleft', "tries": 3})
    text = log_of(log)
    assert text.count("\n") == 1
    assert "ERROR" in text
    assert 'went wrong  correlation=01MESSAGE  reason="no \\"disk\\"\\nleft"  tries=3' in text


def test_both_outputs_get_the_same(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(LoggingSettings(output="both"), log)
    logger.info("here")
    assert log_of(log) == capsys.readouterr().err != ""


def test_the_level_changes_while_it_runs(log: Path) -> None:
    start_logging(LoggingSettings(), log)
    logger.debug("unseen")
    reconfigure_logging(LoggingSettings(level="DEBUG"))
    logger.debug("seen")
    assert [line["event"] for line in lines(log)] == ["seen"]


def test_a_record_that_cannot_be_shown_does_not_end_the_log(log: Path) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    start_logging(LoggingSettings(), log)
    logger.info("odd", extra={"thing": Broken()})
    logger.info("after")
    assert [line["event"] for line in lines(log)] == ["a log line could not be shown", "after"]


def test_a_slow_disk_never_holds_up_who_logs(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    original = LogFile.emit

    def slow(self: LogFile, record: logging.LogRecord) -> None:
        released.wait(5)
        original(self, record)

    monkeypatch.setattr(LogFile, "emit", slow)
    monkeypatch.setattr(acore_logging, "_MOST_WAITING", 100)
    start_logging(LoggingSettings(), log)
    began = time.perf_counter()
    for number in range(500):
        logger.info("line", extra={"number": number})
    assert time.perf_counter() - began < 1.0
    released.set()
    written = lines(log)
    kept = [line for line in written if line["event"] == "line"]
    (told,) = [line for line in written if line["event"] == "log lines were dropped"]
    assert 100 <= len(kept) < 500
    assert told["lost"] == 500 - len(kept)


def test_the_file_rotates_and_three_old_ones_are_kept(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "LARGEST_BYTES", 2000)
    start_logging(LoggingSettings(), log)
    for number in range(200):
        logger.info("line", extra={"number": number})
    stop_logging()
    names = sorted(path.name for path in log.parent.iterdir())
    assert names == ["acore.log", "acore.log.1", "acore.log.2", "acore.log.3"]
    assert all(path.stat().st_size <= 2000 for path in log.parent.iterdir())
    newest = json.loads(log.read_text().splitlines()[-1])
    assert newest["number"] == 199


def test_a_file_that_was_taken_away_is_begun_anew(log: Path) -> None:
    handler = LogFile(log)
    handler.emit(logging.makeLogRecord({"msg": "first"}))
    log.rename(log.with_name("moved.log"))
    handler.emit(logging.makeLogRecord({"msg": "second"}))
    handler.close()
    assert log.read_text() == "second\n"


def test_a_folder_that_cannot_be_made_costs_lines_only(log: Path) -> None:
    log.parent.write_text("a file where the folder should be")
    start_logging(LoggingSettings(), log)
    logger.error("lost")
    stop_logging()
    assert log.parent.read_text().startswith("a file")


_FULL_DISK = """
import logging, resource, sys, time
from pathlib import Path
from services.observability.logging import start_logging, stop_logging
from services.settings import LoggingSettings

log = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
start_logging(LoggingSettings(), log)
logger = logging.getLogger("acore.test")
for number in range(100):
    logger.info("line", extra={"number": number})
while not log.exists():
    time.sleep(0.01)
time.sleep(0.3)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
logger.info("line")
stop_logging()
"""


def test_a_full_disk_costs_whole_lines_and_is_told_once_there_is_room(tmp_path: Path) -> None:
    log = tmp_path / "acore.log"
    program = [sys.executable, "-c", _FULL_DISK, str(log)]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")
    written = [json.loads(line) for line in log.read_text().splitlines()]  # no line is torn
    events = [line["event"] for line in written]
    (told,) = [line for line in written if line["event"] == "log lines could not be written"]
    assert events[-2:] == ["log lines could not be written", "line"]
    assert told["lost"] == 101 - events.count("line") > 0
