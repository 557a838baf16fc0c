"""The doctor finds what is wrong, says what to do about it, and gives nothing away."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frontends.console.diagnosis import exit_code
from services.doctor.check import Case, Check, Finding, fine, problem
from services.doctor.examination import all_checks, examine, repair
from tests.fakes.faults import (
    FAULTS,
    PRIVATE_NAME,
    SAID,
    SECRET,
    Fault,
    Installation,
    installed,
)
from tests.journeys.program import MAIN, Ended, migrated

pytestmark = pytest.mark.timeout(90)

_KEYS = ["area", "check", "status", "sentence", "fix", "cause"]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("blank"))


@pytest.fixture
async def installation(tmp_path: Path, blank: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path, blank=blank) as set_up:
        yield set_up


def _report(ended: Ended) -> dict[str, Any]:
    assert ended.complaints == ""
    report: dict[str, Any] = json.loads(ended.out)
    return report


def _complaints(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [
        (each.check, each.sentence) for each in findings if each.status in ("warning", "problem")
    ]


def _named(fault: Fault, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the findings that tell of the fault as they should."""
    return [
        each
        for each in found
        if each["check"] == fault.check
        and each["status"] == fault.status
        and fault.says in each["sentence"]
        and fault.fix in each["fix"]
    ]


async def _seen_from_inside(fault: Fault, installation: Installation) -> list[Finding]:
    case = installation.case()
    if fault.inside is not None:
        case = await asyncio.to_thread(fault.inside, case)
    return await examine(case)


# -- nothing wrong


async def test_a_healthy_installation_has_no_problem(installation: Installation) -> None:
    ended = await installation.program.run("doctor", "--json")
    report = _report(ended)
    assert ended.code == 0
    assert [each for each in report["findings"] if each["status"] in ("warning", "problem")] == []
    assert report["summary"]["problem"] == 0
    assert report["summary"]["ok"] > 15


async def test_the_json_keeps_its_shape(installation: Installation) -> None:
    report = _report(await installation.program.run("doctor", "--json"))
    assert list(report) == ["version", "findings", "summary"]
    assert report["version"] == 1
    assert all(list(each) == _KEYS for each in report["findings"])
    assert set(report["summary"]) == {"ok", "warning", "problem", "skipped", "exit_code"}


async def test_live_asks_the_model_for_real(installation: Installation) -> None:
    ended = await installation.program.run("doctor", "--json", "--live")
    answer = next(each for each in _report(ended)["findings"] if each["check"] == "answer")
    assert ended.code == 0
    assert answer["status"] == "ok", answer
    assert "first words after" in answer["sentence"]
    assert len(installation.server.chats) == 1


async def test_without_live_the_model_is_not_asked(installation: Installation) -> None:
    await installation.program.run("doctor", "--json")
    assert installation.server.requests
    assert installation.server.chats == []


# -- seeded faults


@pytest.mark.parametrize(
    "fault",
    [fault for fault in FAULTS if not fault.arguments],
    ids=lambda fault: fault.name.replace(" ", "-"),
)
async def test_a_fault_is_found_and_its_remedy_named(
    fault: Fault, installation: Installation
) -> None:
    async with fault.seed(installation):
        findings = await _seen_from_inside(fault, installation)
    found = [{key: getattr(each, key) for key in _KEYS} for each in findings]
    assert _named(fault, found), _complaints(findings)
    assert exit_code(findings) == fault.code


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=() if fault.program else pytest.mark.slow, id=fault.name)
        for fault in FAULTS
        if fault.inside is None
    ],
)
async def test_the_program_finds_a_fault_and_gives_nothing_away(
    fault: Fault, installation: Installation
) -> None:
    async with fault.seed(installation):
        ended = await installation.program.run("doctor", "--json", *fault.arguments)
    report = _report(ended)
    assert _named(fault, report["findings"]), [
        each for each in report["findings"] if each["status"] in ("warning", "problem")
    ]
    assert ended.code == report["summary"]["exit_code"] == fault.code
    _gives_nothing_away(ended.out)


def _gives_nothing_away(text: str) -> None:
    for private in (SECRET, "hunter22", PRIVATE_NAME, SAID, "/home/", str(Path.home()) + "/"):
        assert private not in text, private
    paths = [word for word in text.split() if "/" in word]
    assert not [path for path in paths if getpass.getuser() in path.replace("-", "/").split("/")]


async def test_a_card_is_never_named_though_its_folder_is_a_character(
    installation: Installation,
) -> None:
    installation.card(PRIVATE_NAME, "{")
    installation.env["ACORE_PERSONA__DEFAULT"] = PRIVATE_NAME
    ended = await installation.program.run("doctor")
    assert "L…/card.json" in ended.out
    assert PRIVATE_NAME not in ended.out


async def test_the_table_hides_the_home_folder(installation: Installation) -> None:
    home = installation.folder
    installation.env["HOME"] = str(home)
    ended = await installation.program.run("doctor")
    assert "~/data" in ended.out
    assert str(home) not in ended.out


# -- settings that do not load


async def test_the_rest_is_examined_where_the_broken_settings_say_data_lies(
    installation: Installation, tmp_path: Path
) -> None:
    installation.database.write_text("something else entirely")
    installation.write("config.toml", '[storage]\ndata = "data"\n[llm]\nmodle = "x"\n')
    process = await asyncio.create_subprocess_exec(
        *_doctor(), "--json", cwd=tmp_path, env=installation.env, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    found = {each["check"]: each for each in json.loads(out)["findings"]}
    assert found["settings"]["status"] == "problem"
    assert found["database"]["status"] == "problem"
    assert found["ollama"]["status"] == "skipped"
    assert process.returncode == 2


def _doctor() -> list[str]:
    return [sys.executable, str(MAIN), "doctor"]


# -- repairs


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.repaired], ids=lambda fault: fault.name
)
async def test_fix_puts_right_what_it_can(fault: Fault, installation: Installation) -> None:
    async with fault.seed(installation):
        ended = await installation.program.run("doctor", "--json", "--fix")
        again = await installation.program.run("doctor", "--json")
    report = _report(ended)
    assert [each["done"] for each in report["repairs"]] == [True]
    assert ended.code == again.code == 0
    assert _named(fault, report["findings"]) == []
    assert _named(fault, _report(again)["findings"]) == []


async def test_fix_makes_dotenv_private_and_keeps_what_it_holds(
    installation: Installation,
) -> None:
    path = installation.write(".env", f"OPENAI_API_KEY={SECRET}\n")
    path.chmod(0o644)
    await installation.program.run("doctor", "--fix")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == f"OPENAI_API_KEY={SECRET}\n"


async def test_fix_touches_nothing_that_a_running_acore_may_need(
    installation: Installation,
) -> None:
    download = installation.write("data/models/a.gguf.part", b"GGUF", age=100_000.0)
    running = next(fault for fault in FAULTS if fault.check == "lock")
    async with running.seed(installation):
        report = _report(await installation.program.run("doctor", "--json", "--fix"))
    assert download.exists()
    assert [each["done"] for each in report["repairs"]] == [False]
    assert "running" in report["repairs"][0]["sentence"]


async def test_fix_leaves_a_fresh_download_alone(installation: Installation) -> None:
    download = installation.write("data/models/a.gguf.part", b"GGUF")
    await installation.program.run("doctor", "--fix")
    assert download.exists()


async def test_examining_changes_no_byte_of_the_database(installation: Installation) -> None:
    before = installation.database.read_bytes()
    await examine(installation.case())
    assert installation.database.read_bytes() == before
    with sqlite3.connect(f"file:{installation.database}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()


# -- the examination itself


async def _fails(case: Case) -> Finding:
    raise ZeroDivisionError


async def _hangs(case: Case) -> Finding:
    await asyncio.sleep(3600)
    return fine("never")


async def _tells_all(case: Case) -> Finding:
    return problem(
        f"See {Path.home()}/x and http://jo:hunter22@host.test/?key=abc with {SECRET}.",
        fix="Bearer abcdefghijkl",
        cause="data",
    )


async def test_a_check_that_fails_or_hangs_is_a_finding(installation: Installation) -> None:
    extra = [
        Check(name="fails", area="extra", examine=_fails),
        Check(name="hangs", area="extra", examine=_hangs, seconds=0.05),
    ]
    findings = await examine(installation.case(), extra)
    fails, hangs = findings[-2:]
    assert (fails.check, fails.status) == ("fails", "problem")
    assert "ZeroDivisionError" in fails.sentence
    assert (hangs.check, hangs.status) == ("hangs", "problem")
    assert "0.05 seconds" in hangs.sentence


async def test_what_an_added_check_says_is_made_safe_too(installation: Installation) -> None:
    installation.env["SOME_API_KEY"] = SECRET
    check = Check(name="tells", area="extra", examine=_tells_all)
    found = (await examine(installation.case(), [check]))[-1]
    assert found.sentence == "See ~/x and http://host.test/ with ***."
    assert found.fix == "***"


async def test_the_order_is_always_the_same(installation: Installation) -> None:
    case = installation.case()
    first, second = await examine(case), await examine(case)
    assert [each.check for each in first] == [each.check for each in second]
    assert first[0].area == "program"


async def test_a_repair_that_fails_is_told(installation: Installation) -> None:
    async def refuse(case: Case) -> None:
        raise OSError(13, "Permission denied", str(Path.home() / "x"))

    check = Check(name="tells", area="extra", examine=_tells_all, repair=refuse)
    case = installation.case()
    done = await repair(case, await examine(case, [check]), [check])
    assert [(each.done, each.sentence) for each in done] == [(False, "Permission denied (~/x).")]


async def test_checks_whose_packages_are_missing_say_so(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("checks.hosted", "listing"):
        monkeypatch.delitem(sys.modules, f"services.doctor.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    found = [each for each in await examine(installation.case()) if each.check == "hosted"]
    assert [(each.status, each.area) for each in found] == [("problem", "program")]
    assert "aiohttp" in found[0].sentence
    assert "make setup" in (found[0].fix or "")


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in all_checks()]
    assert len(names) == len(set(names)) > 25


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_data_folder_is_found(installation: Installation) -> None:
    installation.data.chmod(0o500)
    try:
        findings = await examine(installation.case())
    finally:
        installation.data.chmod(0o700)
    assert "data_folder" in [check for check, _ in _complaints(findings)]


async def test_a_disk_mounted_read_only_is_found(installation: Installation) -> None:
    """What root meets where nobody may write: a kernel's own folder."""
    case = installation.case()
    storage = case.storage.model_copy(update={"data": Path("/proc/acore")})
    findings = await examine(replace(case, storage=storage))
    found = next(each for each in findings if each.check == "data_folder")
    assert found.status == "problem"
    assert "--data" in (found.fix or "")


# -- the look


async def test_the_table_names_the_remedy_below_the_fault(installation: Installation) -> None:
    installation.env["OLLAMA_MODEL"] = "qwen3:8b"
    ended = await installation.program.run("doctor")
    lines = ended.out.splitlines()
    at = next(n for n, line in enumerate(lines) if "qwen3:8b is not" in line)
    assert "main.py model pull qwen3:8b" in lines[at + 1]
    assert lines[-1].startswith("1 problem;")
    assert "\x1b" not in ended.out


async def test_the_table_is_plain_where_signs_cannot_be_shown(installation: Installation) -> None:
    installation.env.update(PYTHONIOENCODING="ascii", OLLAMA_MODEL="qwen3:8b")
    ended = await installation.program.run("doctor")
    assert ended.out.isascii()
    assert "  FAIL " in ended.out
    assert "  ok " in ended.out
