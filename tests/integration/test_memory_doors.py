"""The memory commands of ``main.py`` on a data folder with a real conversation in it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.app import CHARACTERS, KIM, SAM, opened_app
from tests.fakes.scripted_model import ScriptedModel
from tests.journeys.test_memory import ONE, OPEN, TOLD, TWO, tell
from tests.unit.forgetting.world import traces

pytestmark = pytest.mark.timeout(180)  # each test starts several programs


ROOT = Path(__file__).parents[2]
ME = ("--as", str(SAM.id))

Door = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which Sam and Kim have talked, and the settings to open it with."""
    folder = tmp_path_factory.mktemp("doors")

    async def fill() -> None:
        async with opened_app(folder / "data", ScriptedModel("I see."), gate=OPEN) as app:
            await tell(app, f"{TOLD} I live in Bonn.")
            await tell(app, "I love tea", place=TWO)
            await tell(app, "I keep nine sparrows", by=KIM)

    asyncio.run(fill())
    (folder / "config.toml").write_text(
        '[memory]\nembedder = "none"\nlearning = "rules"\nsummaries = false\n'
        f"[persona]\ncharacters = {json.dumps(str(CHARACTERS))}\n"
    )
    return folder


def through_the_door(folder: Path, *argv: str) -> tuple[int, str, str]:
    async def call() -> tuple[int, str, str]:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "main.py"),
            "memory",
            argv[0],
            "--data",
            str(folder / "data"),
            "--config",
            str(folder / "config.toml"),
            *argv[1:],
            cwd=folder,
            env={**os.environ, "COLUMNS": "200"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate()
        return child.returncode or 0, out.decode(), err.decode()

    return asyncio.run(call())


@pytest.fixture
def door(filled: Path) -> Door:
    return lambda *argv: through_the_door(filled, *argv)


def good(told: tuple[int, str, str]) -> Any:
    code, out, complaint = told
    assert code == 0, complaint
    return json.loads(out)


def test_recall_says_what_it_knows_and_from_where(door: Door) -> None:
    asked = ("recall", "Where are the turquoise herons of my sister?")
    found = good(door(*asked, *ME, "--in", str(TWO), "--json"))
    assert set(found) == {"turns", "facts", "closeness", "summaries", "documents"}
    [turn] = [one for one in found["turns"] if "Zwickelford" in one["text"]]
    assert set(turn) == {
        "message", "speaker", "text", "said_at", "score", "why", "by_words_alone"
    }  # fmt: skip
    assert turn["speaker"] == "Sam"
    living = [fact for fact in found["facts"] if "Bonn" in fact["text"]]
    assert [fact["source"] for fact in living] == [turn["message"]]
    for other in (("--as", str(KIM.id), "--in", str(TWO)), (*ME, "--in", "test:elsewhere:x")):
        assert "Zwickelford" not in json.dumps(good(door(*asked, *other, "--json")))
    code, out, _ = door(*asked, *ME, "--in", str(TWO))
    assert code == 0
    assert "Sam: My sister Falkenauge" in out
    assert door("recall", "zzz", "--as", "web:nobody", "--in", "test:x:y")[1] == (
        "Nothing comes to mind.\n"
    )


def test_the_index_is_built_anew_and_still_finds(door: Door) -> None:
    report = good(door("reindex", "--json"))
    assert report["indexed"] >= 6
    assert (report["pending"], report["failing"]) == (0, None)
    assert report["documents"] == {"read": 0, "removed": 0, "refused": 0}
    found = good(door("recall", "turquoise herons", *ME, "--in", str(ONE), "--json"))
    assert [one for one in found["turns"] if "Zwickelford" in one["text"]]


def test_what_is_known_is_listed_searched_and_taken_away(door: Door, tmp_path: Path) -> None:
    listed = good(door("list", *ME, "--json"))
    assert (listed["messages"], listed["facts"]) == (2, len(listed["known"]))
    assert "Bonn" in {fact["value"] for fact in listed["known"]}
    found = good(door("search", "turquoise", *ME, "--json"))
    assert [one["text"] for one in found["messages"]] == [f"{TOLD} I live in Bonn."]
    target = tmp_path / "mine.json"
    assert door("export", *ME, "-o", str(target))[0] == 0
    exported = json.loads(target.read_text())
    assert exported["format"] == "acore.memory"
    assert "sparrows" not in json.dumps(exported)


REFUSED = [
    ("recall", "x", "--as", "nonsense"),
    ("recall", "x", "--in", "nonsense"),
    ("recall", "x", "--persona", "Nobody Atall"),
    ("recall", "x", "--limit", "0"),
    ("recall", "x", "--limit", "100000"),
    ("list", "--as", "web:nobody"),
    ("search", "x", "--as", "web:nobody"),
    ("forget", "--fact", "nothing", "--yes", *ME),
    ("forget", "--message", "nothing", "--yes", *ME),
    ("forget", "--matching", "wordthatisnotthere", "--yes", *ME),
    ("export", "--as", "web:nobody"),
    ("forget", "--place", "discord", "--yes"),
    ("forget", "--place", "discord:", "--yes"),
    ("forget", "--place", "discord:1:2", "--yes"),
    ("forget", "--place", "discord:dm", "--yes"),
]

# Starting the program takes longer than what is tried: one process takes all commands.
ONE_AFTER_THE_OTHER = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from services.storage.sqlite import use_modern_sqlite
use_modern_sqlite()
from frontends.console.commandline import execute
from frontends.launcher import launch

told = []
for argv in json.load(sys.stdin):
    out, complaint = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(complaint):
        code = execute(argv, launch=launch)
    told.append((code, out.getvalue(), complaint.getvalue()))
json.dump(told, sys.stdout)
"""


@pytest.fixture(scope="module")
def refusals(filled: Path) -> dict[tuple[str, ...], tuple[int, str, str]]:
    """What each refused command gives and says."""
    place = ("--data", str(filled / "data"), "--config", str(filled / "config.toml"))
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER],
        input=json.dumps([("memory", argv[0], *place, *argv[1:]) for argv in REFUSED]),
        cwd=filled,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {argv: tuple(told) for argv, told in zip(REFUSED, json.loads(done.stdout), strict=True)}


@pytest.mark.parametrize("argv", REFUSED)
def test_what_cannot_be_done_is_said_in_one_sentence(
    refusals: dict[tuple[str, ...], tuple[int, str, str]], argv: tuple[str, ...]
) -> None:
    code, out, complaint = refusals[argv]
    assert (code, out) == (1, "")
    assert complaint.count("\n") == 1
    assert "Traceback" not in complaint


def test_a_place_that_cannot_be_written_is_named(door: Door) -> None:
    code, out, complaint = door("export", "-o", "/nonexistent/folder/file.json", *ME)
    assert (code, out) == (2, "")
    assert complaint == (
        "/nonexistent/folder/file.json cannot be written: No such file or directory.\n"
    )


def test_forgetting_is_proved_and_the_receipt_says_so(
    filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("forgets") / "copy"
    shutil.copytree(filled, folder)
    preview = good(through_the_door(folder, "forget", "--everything", *ME, "--json"))
    assert preview["messages"] == 2
    assert traces(folder / "data", "Zwickelford")
    receipt = good(through_the_door(folder, "forget", "--everything", "--yes", *ME, "--json"))
    assert receipt["verified"]["clean"]
    assert receipt["counts"]["messages"] == 3  # two of Sam, and an answer to nobody else
    assert traces(folder / "data", "Zwickelford", "Falkenauge") == {}
    assert through_the_door(folder, "list", *ME)[0] == 1
    others = good(through_the_door(folder, "list", "--as", str(KIM.id), "--json"))
    assert others["messages"] == 1


def test_switched_off_there_is_nothing_to_index_but_all_to_forget(
    filled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "off"
    shutil.copytree(filled, folder)
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("[memory]\n", "[memory]\nenabled = false\n"))
    code, _, complaint = through_the_door(folder, "reindex")
    assert (code, complaint) == (1, "Memory is switched off; set memory.enabled to true.\n")
    receipt = good(through_the_door(folder, "forget", "--everything", "--yes", *ME, "--json"))
    assert receipt["verified"]["clean"]
    assert traces(folder / "data", "Zwickelford") == {}


def test_a_place_is_forgotten_with_everybody_in_it(
    filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("places") / "copy"
    shutil.copytree(filled, folder)
    here = ("--place", "test:guild")
    assert good(through_the_door(folder, "forget", *here, "--json"))["messages"] > 0
    assert traces(folder / "data", "Zwickelford")
    receipt = good(through_the_door(folder, "forget", *here, "--yes", "--json"))
    assert receipt["verified"]["clean"]
    assert receipt["counts"]["conversations"] == 2
    assert traces(folder / "data", "Zwickelford", "sparrows") == {}
    assert through_the_door(folder, "forget", *here, "--yes")[0] == 1
