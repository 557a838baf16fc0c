"""The end of the log as people are shown it."""

from __future__ import annotations

import json
import logging

import pytest

from services.observability.log_lines import ConsoleLines, JsonLines
from services.observability.log_reading import LogReader
from services.observability.redaction import Redactor
from services.settings import LoggingSettings, Settings, StorageSettings

_FORMATS = {"json": JsonLines, "console": ConsoleLines}


def line(form: str, level: int, event: str, **extra: object) -> str:
    record = logging.makeLogRecord(
        {
            "name": "services.somewhere",
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": event,
            **extra,
        }
    )
    return _FORMATS[form](log_content=False, redactor=Redactor()).format(record)


def raised() -> tuple[type[BaseException], BaseException, object]:
    try:
        raise ValueError("what Bob said: my secret")  # noqa: TRY301
    except ValueError as error:
        return type(error), error, error.__traceback__


@pytest.mark.parametrize("form", ["json", "console"])
async def test_warnings_and_errors_come_without_fields_and_without_what_was_said(tmp_path, form):
    file = tmp_path / "acore.log"
    lines = [
        line(form, logging.INFO, "nothing special"),
        line(form, logging.WARNING, "a call failed", account="discord:123456789012345678"),
        line(form, logging.ERROR, "a command failed", exc_info=raised()),
        line(form, logging.INFO, "nothing special either"),
    ]
    file.write_text("\n".join(lines) + "\n")
    found = await LogReader(file).troubles(10)
    assert [(one.level, one.event, one.logger) for one in found] == [
        ("WARNING", "a call failed", "services.somewhere"),
        ("ERROR", "a command failed", "services.somewhere"),
    ]
    assert found[0].at
    assert "secret" not in str(found)
    assert "123456789012345678" not in str(found)
    if form == "json":
        assert found[1].error == "ValueError"
    assert [one.event for one in await LogReader(file).troubles(1)] == ["a command failed"]


@pytest.mark.parametrize("form", ["json", "console"])
async def test_lines_hide_ids_and_what_errors_quote(tmp_path, form):
    file = tmp_path / "acore.log"
    lines = [
        line(form, logging.INFO, "told", place="discord:123456789012345678:234567890123456789"),
        line(form, logging.ERROR, "failed", exc_info=raised()),
    ]
    file.write_text("\n".join(lines) + "\n")
    shown = "\n".join(await LogReader(file).tail(50))
    assert "told" in shown
    assert "failed" in shown
    assert "[id]:[id]" in shown
    assert "secret" not in shown
    if form == "json":
        assert json.loads(shown.splitlines()[-1])["trace"] == "ValueError"


async def test_the_tail_goes_on_into_the_rotated_file(tmp_path):
    file = tmp_path / "acore.log"
    (tmp_path / "acore.log.1").write_text("a\nb\nc\n")
    file.write_text("d\ne\n")
    assert list(await LogReader(file).tail(4)) == ["b", "c", "d", "e"]
    assert list(await LogReader(file).tail(1)) == ["e"]


async def test_a_huge_log_is_read_from_its_end_by_whole_lines(tmp_path):
    file = tmp_path / "acore.log"
    file.write_text("".join(f"line {number:06}\n" for number in range(200_000)))
    found = await LogReader(file).tail(1_000_000)
    assert found[-1] == "line 199999"
    assert found[0].startswith("line 1")
    assert len(found) < 200_000


async def test_there_may_be_no_file(tmp_path):
    assert list(await LogReader(tmp_path / "missing.log").tail(5)) == []
    assert list(await LogReader(None).troubles(5)) == []


def test_it_reads_where_the_settings_write(tmp_path):
    storage = StorageSettings(data=tmp_path)
    assert LogReader.of(Settings(storage=storage)).kept
    quiet = Settings(storage=storage, logging=LoggingSettings(output="stderr"))
    assert not LogReader.of(quiet).kept
