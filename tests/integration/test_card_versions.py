"""Versions of characters: through the command line, and killed at every step of being made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.card_files import as_json, png, text, v1, v2
from tests.fakes.pseudo_terminal import at_terminal

pytestmark = pytest.mark.timeout(120)

MAIN = Path(__file__).parents[2] / "main.py"


class Cards:
    """Runs ``main.py card`` over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.characters = folder / "data" / "characters"

    def arguments(self, action: str, *arguments: object) -> list[str]:
        command = [sys.executable, MAIN, "card", action, "--data", self.folder / "data"]
        return [str(part) for part in (*command, *arguments)]

    @property
    def env(self) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("ACORE_")}
        return {**mine, "PYTHONUTF8": "1", "TZ": "UTC"}

    def __call__(self, action: str, *arguments: object) -> tuple[int, str, str]:
        done = subprocess.run(
            self.arguments(action, *arguments),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def description(self) -> str:
        card = json.loads((self.characters / "ada" / "card.json").read_bytes())
        return str(card["data"]["description"])


@pytest.fixture
def cards(tmp_path: Path) -> Cards:
    return Cards(tmp_path)


def test_replace_list_show_and_roll_back(cards: Cards) -> None:
    first = cards.put("a.png", png(text("chara", v2(description="one"))))
    second = cards.put("b.json", as_json(v2(description="two", tags=["new"])))
    assert cards("import", first)[0] == 0
    code, out, complaint = cards("import", second)
    assert (code, out) == (1, "")
    assert "--replace" in complaint
    assert "--as" in complaint
    code, out, _ = cards("import", second, "--replace")
    assert (code, out.startswith("ada has a new version")) == (0, True)
    assert cards("import", second, "--replace")[1].startswith("ada is like that already")
    code, out, _ = cards("versions", "ada")
    assert [line.split()[0] for line in out.splitlines()] == ["2", "1"]
    assert [line.endswith("(present)") for line in out.splitlines()] == [True, False]
    listed = json.loads(cards("versions", "ada", "--json")[1])
    assert [(each["number"], each["present"]) for each in listed] == [(1, False), (2, True)]
    shown = json.loads(cards("versions", "ada", "1", "--json")[1])
    assert shown["data"]["description"] == "one"
    assert "new" in cards("versions", "ada", "2")[1]
    assert cards("rollback", "ada", listed[0]["digest"][:8])[0] == 0
    assert cards.description() == "one"
    assert len(json.loads(cards("versions", "Ada", "--json")[1])) == 3
    assert cards("rollback", "ada", "9")[0] == 1


def test_a_folder_is_imported_again_as_new_versions(cards: Cards) -> None:
    cards.put("in/a.json", as_json(v1(name="A1")))
    cards.put("in/b.json", as_json(v1(name="B2")))
    cards.put("in/bad.json", b"{}")
    assert cards("import", "in")[0] == 0
    cards.put("in/b.json", as_json(v1(name="B2", description="new")))
    cards.put("in/c.json", as_json(v1(name="C3")))
    code, out, progress = cards("import", "in", "--replace")
    assert code == 0
    assert out.splitlines()[:2] == [
        "3 of 4 files are characters now.",
        "Of these, 1 are new versions and 1 were there already.",
    ]
    assert out.splitlines()[2].startswith("bad.json: ")
    assert progress.splitlines() == [
        "1/4 a.json: a1 (unchanged)",
        "2/4 b.json: b2 (new version)",
        "3/4 bad.json: refused",
        "4/4 c.json: c3",
    ]


@pytest.mark.parametrize(
    ("answers", "slugs", "description"),
    [
        (["replace"], ["ada"], "two"),
        (["other", "Second"], ["ada", "second"], "one"),
        (["other", "Ada", "1"], ["ada"], "one"),
        (["leave"], ["ada"], "one"),
        (["maybe", "2"], ["ada"], "two"),
    ],
)
async def test_a_person_at_a_terminal_is_asked(
    cards: Cards, answers: list[str], slugs: list[str], description: str
) -> None:
    first = cards.put("a.json", as_json(v2(description="one")))
    assert cards("import", first)[0] == 0
    second = cards.put("b.json", as_json(v2(description="two")))
    command = cards.arguments("import", second)
    async with at_terminal(*command, cwd=cards.folder, env=cards.env) as terminal:
        for answer in answers:
            await terminal.shows(": ")
            terminal.type(f"{answer}\n")
        await terminal.ends()
    assert sorted(path.name for path in cards.characters.iterdir()) == slugs
    assert cards.description() == description


_KILLED = """
import asyncio, json, os, random, shutil, signal, sys
from pathlib import Path
from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from services.persona.cards.importing import CardImporter
from services.persona.cards.keeping import digest_of, kept_versions
from services.persona.cards.limits import CardLimits
from services.persona.library import CharacterLibrary

folder, kind = Path(sys.argv[1]), sys.argv[2]
ids = UlidSource(SystemClock(), random.Random(1))
WATCHED = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.chmod",
           "shutil.rmtree", "shutil.copyfile"}

def importer(data):
    return CardImporter(into=data / "characters", shelves=(), ids=ids, limits=CardLimits())

def act(data):
    if kind == "new":
        importer(data).take(folder / "two.charx")
    elif kind == "rollback":
        importer(data).roll_back("ada", "1")
    else:
        importer(data).take(folder / "two.charx", replace=True)

def state(data):
    ada = data / "characters" / "ada"
    return digest_of(ada) if ada.exists() else None

def killed_at(step, data):
    child = os.fork()
    if child == 0:
        count = 0
        def hook(event, arguments):
            nonlocal count
            if event in WATCHED and any(str(data) in str(part) for part in arguments):
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        act(data)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0

async def opened(data):
    own = data / "characters"
    async with CharacterLibrary(own, default="ada", own=own) as library:
        return [(p.slug, p.id, p.character.description) for p in library.all()]

start = folder / "start"
(start / "characters").mkdir(parents=True)
if kind != "new":
    importer(start).take(folder / "one.charx")
if kind == "rollback":
    importer(start).take(folder / "two.charx", replace=True)
old = state(start)
done = folder / "done"
shutil.copytree(start, done)
act(done)
new = state(done)
assert old != new
outcomes, step = [], 0
while True:
    step += 1
    data = folder / f"data{step}"
    shutil.copytree(start, data)
    killed = killed_at(step, data)
    before = len(list((data / "characters").glob("ada/versions/0*")))
    if old is not None:
        json.loads((data / "characters" / "ada" / "card.json").read_bytes())
    people = asyncio.run(opened(data))
    now = state(data)
    assert now in (old, new), (step, now)
    assert {each[1] for each in people} <= {"ada-id"}, people
    assert bool(people) == (now is not None)
    left = [p for p in data.rglob("*") if p.name.startswith((".importing", ".incoming"))]
    assert not left, (step, left)
    if now:
        versions = kept_versions(data / "characters" / "ada")
        assert versions[-1].is_current and versions[-1].digest == now, step
        assert all(digest_of(v.folder) == v.digest for v in versions), step
        act(data) if now == old else None
        assert state(data) == new
    outcomes.append(now == new)
    shutil.rmtree(data)
    if not killed:
        break
assert outcomes == sorted(outcomes), outcomes
print(step, outcomes.count(False), outcomes.count(True))
"""


@pytest.mark.parametrize("kind", ["new", "replace", "rollback"])
def test_killed_at_any_step_it_has_happened_or_it_has_not(tmp_path: Path, kind: str) -> None:
    from tests.fakes.card_files import charx, v3

    main = "assets/icon/images/main.png"
    icon = {"type": "icon", "uri": f"embeded://{main}", "name": "main", "ext": "png"}
    own = {"acore": {"id": "ada-id"}}
    for name, files in (
        ("one", {main: png(), "assets/old": b"old", "readme": b"r"}),
        ("two", {main: png(text("x", "y")), "assets/old/new": b"new"}),
    ):
        card = v3(description=name, extensions=own, assets=[icon])
        (tmp_path / f"{name}.charx").write_bytes(charx(card, files))
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, tmp_path, kind],
        cwd=MAIN.parent,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps, not_happened, happened = map(int, done.stdout.split())
    assert steps > 15
    assert not_happened > 10
    assert happened > 1 or kind == "new"
