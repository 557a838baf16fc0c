"""What the doctor says of calls where that hangs on the machine."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from services.configuration import load_settings
from services.doctor.check import Case, Finding
from services.doctor.checks import voice
from services.doctor.examination import examine
from services.domain.clock import SystemClock
from services.settings import StorageSettings
from tests.journeys.program import ROOT


async def found(tmp_path: Path, check: str, **environ: str) -> list[Finding]:
    case = Case(
        settings=load_settings(overrides={"storage.data": tmp_path}, environ=environ, cwd=tmp_path),
        storage=StorageSettings(data=tmp_path),
        environ=environ,
        cwd=tmp_path,
        clock=SystemClock(),
    )
    return [each for each in await examine(case) if each.check == check]


async def test_without_an_opus_library_it_says_where_one_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    damaged = tmp_path / "libopus.so.0"
    damaged.write_bytes(b"no library")
    monkeypatch.setattr(voice, "opus_candidates", lambda: iter([str(damaged), "libabsent.so"]))
    (finding,) = await found(tmp_path, "voice_discord")
    assert finding.status == "warning"
    assert "Opus" in finding.sentence
    assert "libopus0" in (finding.fix or "")


async def test_an_opus_library_is_found_here(tmp_path: Path):
    (finding,) = await found(tmp_path, "voice_discord")
    assert finding.status == "ok", finding.sentence


@pytest.mark.parametrize(("version", "status"), [("2.7.3", "ok"), ("2.70.0", "warning")])
async def test_another_discord_py_than_calls_were_written_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, status: str
):
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: version if name == "discord.py" else real(name)
    )
    (finding,) = await found(tmp_path, "voice_discord")
    assert finding.status == status


def test_the_pinned_discord_py_is_that_version():
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (pin,) = [pin for pin in pins if pin.startswith("discord.py==")]
    assert pin.startswith(f"discord.py=={voice.DISCORD_PY}.")


async def test_calls_that_are_switched_off_need_nothing(tmp_path: Path):
    for check in ("voice_speech", "voice_ears", "voice_turns", "voice_discord"):
        (finding,) = await found(tmp_path, check, ACORE_VOICE__ENABLED="false")
        assert finding.status == "skipped"


async def test_what_is_left_out_on_purpose_is_no_complaint(tmp_path: Path):
    (finding,) = await found(tmp_path, "voice_speech")
    assert finding.status == "ok"
    assert "piper" in finding.sentence
    assert "edge" not in finding.sentence
