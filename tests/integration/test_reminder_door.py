"""The console's door to what a reminder in people's words means."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOW = ("--now", "2026-11-18T10:00:00+01:00", "--tz", "Europe/Berlin")

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


def door(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "reminders", "parse", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_one_line_of_json(tmp_path: Path):
    done = door(tmp_path, "remind me to buy café au lait every weekday at 9", *NOW, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {
        "when": "2026-11-19T09:00:00+01:00",
        "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0",
        "text": "buy café au lait",
        "ask": None,
    }


def test_what_is_missing_is_asked(tmp_path: Path):
    done = door(tmp_path, "buy milk", *NOW, "--json")
    assert done.returncode == 0
    asked = {"when": None, "rrule": None, "text": "buy milk", "ask": "When should I remind you?"}
    assert json.loads(done.stdout) == asked


def test_a_readable_line_and_a_now_of_the_zone(tmp_path: Path):
    done = door(
        tmp_path, "tomorrow at 9 call\x1bmum", "--now", "2026-03-28T12:00", "--tz", "Europe/Berlin"
    )
    assert done.stdout == "Sunday 2026-03-29 09:00:00+0200: call mum\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--tz", "Mars/Olympus"),
        ("--tz", "../../etc/passwd"),
        ("--tz", ""),
        ("--now", "yesterday"),
        ("--now", "2026-13-01"),
    ],
)
def test_a_wrong_zone_or_moment_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...]):
    done = door(tmp_path, "at 5pm", "--json", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith(".")


def test_it_opens_no_service(tmp_path: Path):
    script = (
        "import sys; sys.argv = ['main.py', 'reminders', 'parse', 'at 5pm', '--json']\n"
        "import main; code = main.main()\n"
        "assert not {'services.factory', 'sqlalchemy', 'dateutil'} & sys.modules.keys()\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
