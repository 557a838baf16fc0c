"""Cards through the command line, and what harmful ones cost in memory."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from services.persona.cards.writing import Spec, Target, write_card
from tests.fakes.card_files import (
    END,
    SIGNATURE,
    archive,
    as_json,
    book,
    charx,
    chunk,
    entry,
    header,
    jpeg,
    packed_itxt,
    pixels,
    png,
    text,
    v1,
    v2,
    v3,
)

pytestmark = pytest.mark.timeout(120)

MAIN = Path(__file__).parents[2] / "main.py"
MOST_MB = 50


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    complaints: str

    @property
    def sentence(self) -> str:
        """The one thing that was said, and a proof that nothing else was."""
        assert self.out == ""
        assert self.complaints.count("\n") == 1
        assert self.complaints.endswith(".\n")
        return self.complaints


class Cards:
    """Runs ``main.py card`` over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.characters = self.data / "characters"
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith("ACORE_")
        }

    def __call__(self, action: str, *arguments: object, **env: str) -> Ended:
        done = subprocess.run(
            [sys.executable, MAIN, "card", action, "--data", self.data, *map(str, arguments)],
            env={**self.env, "PYTHONUTF8": "1", **env},
            cwd=self.folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def cards(tmp_path: Path) -> Cards:
    return Cards(tmp_path)


def test_show_prints_the_whole_normal_card(cards: Cards) -> None:
    card = v2(x_mine={"a": None, "b": 1.0}, character_book=book(entry(x_e=[1]), x_b=2), name="凛")
    shown = cards("show", cards.put("a.png", png(text("chara", card))), "--json")
    assert (shown.code, shown.complaints) == (0, "")
    printed = json.loads(shown.out)
    assert printed["spec"] == "chara_card_v3"
    assert printed["data"] == {**card["data"], "group_only_greetings": []}  # type: ignore[dict-item]


def test_show_says_what_was_repaired_without_touching_the_json(cards: Cards) -> None:
    shown = cards("show", cards.put("a.json", as_json(v2(tags="a,b"))), "--json")
    assert json.loads(shown.out)["data"]["tags"] == ["a", "b"]
    assert "`tags`" in shown.complaints


def test_show_for_people_steers_no_terminal(cards: Cards) -> None:
    card = v2(name="Ada\x1b[2J", creator="us\nand them", character_book=book(entry()))
    shown = cards("show", cards.put("a.json", as_json(card)))
    assert shown.code == 0
    assert "Ada[2J" in shown.out
    assert "\x1b" not in shown.out
    assert "1 entries" in shown.out


def test_show_prints_every_script_on_an_ascii_terminal(cards: Cards) -> None:
    path = cards.put("a.json", b'{"name":"\xe5\x87\x9b","description":"cut \\ud83d"}')
    shown = cards("show", path, "--json", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert json.loads(shown.out)["data"]["name"] == "凛"


@pytest.mark.parametrize("to", ["json", "png", "charx"])
@pytest.mark.parametrize("spec", ["v2", "v3"])
def test_export_and_show_agree(cards: Cards, to: str, spec: str) -> None:
    card = v3(nickname="Addy", x_mine=[1], character_book=book(entry(content="@@depth 1\nB")))
    source = cards.put("a.png", png(text("ccv3", card)))
    done = cards("export", source, "--to", to, "--spec", spec, "-o", f"out.{to}")
    assert (done.code, done.out) == (0, f"out.{to}\n")
    shown = json.loads(cards("show", f"out.{to}", "--json").out)
    assert shown == card
    if to == "json":
        raw = json.loads((cards.folder / "out.json").read_bytes())
        assert raw["spec"] == f"chara_card_{spec}"
        assert ("nickname" in raw["data"]) is (spec == "v3")


def test_export_takes_the_picture_beside_the_card_of_a_character(cards: Cards) -> None:
    cards.put("ada/avatar.png", png())
    source = cards.put("ada/card.json", as_json(v2()))
    assert cards("export", source, "--to", "png", "-o", "out.png").code == 0
    exported = (cards.folder / "out.png").read_bytes()
    assert pixels() in exported
    other = cards.put("ada/other.json", as_json(v2()))
    assert cards("export", other, "--to", "png", "-o", "plain.png").code == 0
    assert pixels() not in (cards.folder / "plain.png").read_bytes()


def test_export_replaces_a_file_only_when_told_to(cards: Cards) -> None:
    source, target = cards.put("a.json", as_json(v1())), cards.put("out.json", b"mine")
    refused = cards("export", source, "--to", "json", "-o", target)
    assert refused.code == 1
    assert "--force" in refused.sentence
    assert target.read_bytes() == b"mine"
    assert cards("export", source, "--to", "json", "-o", target, "--force").code == 0
    assert json.loads(target.read_bytes())["spec"] == "chara_card_v3"
    assert not list(cards.folder.glob(".card-*"))


def test_export_to_a_folder_that_is_not_there(cards: Cards) -> None:
    source = cards.put("a.json", as_json(v1()))
    refused = cards("export", source, "--to", "png", "-o", "nowhere/out.png")
    assert refused.code == 2
    assert "cannot be written" in refused.sentence


def test_import_one_card_and_refuse_it_the_second_time(cards: Cards) -> None:
    source = cards.put("a.png", png(text("chara", v2())))
    done = cards("import", source)
    assert (done.code, done.out) == (0, "Ada is here, as ada.\n")
    refused = cards("import", source)
    assert refused.code == 1
    assert "--as" in refused.sentence
    assert cards("import", source, "--as", "Ada Two").code == 0
    assert sorted(path.name for path in cards.characters.iterdir()) == ["ada", "ada-two"]


def test_import_a_folder_shows_progress_and_what_was_refused(cards: Cards) -> None:
    cards.put("in/a.png", png(text("chara", v2(name="A1"))))
    cards.put("in/more/b.charx", charx(v3(name="B2")))
    cards.put("in/c.json", as_json(v1(name="A1")))
    cards.put("in/notes.txt", b"hello")
    done = cards("import", "in")
    assert done.code == 0
    assert [line.split()[0] for line in done.complaints.splitlines()] == [
        "1/4",
        "2/4",
        "3/4",
        "4/4",
    ]
    summary, *refused = done.out.splitlines()
    assert summary == "2 of 4 files are characters now."
    assert [line.partition(":")[0] for line in refused] == ["c.json", "notes.txt"]
    assert sorted(path.name for path in cards.characters.iterdir()) == ["a1", "b2"]


@pytest.mark.parametrize("action", ["show", "import"])
def test_a_missing_file_is_one_sentence(cards: Cards, action: str) -> None:
    done = cards(action, "nothing.png")
    assert done.code == 1
    assert done.sentence == "There is no file nothing.png.\n"


def _zeros(megabytes: int) -> bytes:
    """A deflate stream of zeros without an end, at a thousandth of its size."""
    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * megabytes


def _harmful() -> dict[str, bytes]:
    card = text("chara", v2())
    word = base64.b64encode(as_json(v2()))
    return {
        "ztxt that inflates to 1 GB": png(chunk(b"zTXt", b"ccv3\0\0" + _zeros(1024))),
        "itxt that inflates to 1 GB": png(chunk(b"iTXt", b"chara\0\1\0\0\0" + _zeros(1024))),
        "9 MB of text": png(packed_itxt("chara", b" " * 9 * 1024 * 1024)),
        "900 megapixels": SIGNATURE + header(30_000, 30_000) + pixels() + card + END,
        "wrong checksum": png(chunk(b"tEXt", b"chara\0" + word, checksum=7)),
        "50 MB": png(card) + b"\0" * 50 * 1024 * 1024,
        "4 GB chunk": SIGNATURE + header() + b"\xff\xff\xff\xfftEXtchara\0" + word,
        "truncated chunk": png(card)[:-60],
        "10,000 texts": png(*[text("a", None, raw=b"b")] * 10_000, card),
        "zip slip": charx(v3(), {"../../evil": b"x"}),
        "10,000 files": charx(v3(), {f"a/{n}": b"" for n in range(10_000)}),
        "ratio 1:1000": charx(v3(), {"a": b"\0" * 50_000_000}),
        "nested": archive({"inner.charx": charx(v3(), {"a": b"\0" * 50_000_000})}),
        "deep json": b'{"name":' + b"[" * 9_000_000,
        "wide json": b'{"name":"a","x":[' + b"{}," * 3_000_000 + b"{}]}",
        "jpeg with a bomb behind it": jpeg() + charx(v3(), {"a": b"\0" * 50_000_000}),
        "no card": as_json({"hello": "world"}),
    }


HARMFUL = _harmful()
_MEASURED = """
import sys
from pathlib import Path
from services.domain.errors import InvalidRequest
from services.persona.cards.files import read_bounded
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card

def memory(name):
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name)))

path, limits = Path(sys.argv[1]), CardLimits()
read_card(b'{"name":"a"}', name="warm", limits=limits)
Path("/proc/self/clear_refs").write_text("5")
before = memory("VmRSS:")
try:
    read_card(read_bounded(path, limits=limits), name=path.name, limits=limits)
    said = ""
except InvalidRequest as refusal:
    said = refusal.user_message
print((memory("VmHWM:") - before) / 1024, said)
"""


@pytest.mark.parametrize("kind", HARMFUL)
def test_harmful_files_are_refused_within_50_mb(cards: Cards, kind: str) -> None:
    path = cards.put("bad.bin", HARMFUL[kind])
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, path],
        cwd=MAIN.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    rise, _, said = done.stdout.strip().partition(" ")
    assert float(rise) < MOST_MB
    assert said.endswith(".")
    assert ". " not in said


@pytest.mark.parametrize("kind", ["zip slip", "wrong checksum", "nested"])
def test_nothing_is_left_of_a_harmful_import(cards: Cards, kind: str) -> None:
    done = cards("import", cards.put("in/bad.bin", HARMFUL[kind]))
    assert done.code == 1
    assert done.sentence
    assert not cards.characters.exists()
    assert sorted(path.name for path in cards.folder.iterdir()) == ["data", "in"]
    assert [path.name for path in (cards.folder / "data").iterdir()] == ["logs"]


def test_real_cards_survive_every_container(test_data: Path) -> None:
    paths = sorted((test_data / "cards").glob("*.png"))
    assert paths
    for path in paths:
        raw: Any = path.read_bytes()
        file = read_card(raw, name=path.name, limits=CardLimits())
        assert file.document.text("description")
        assert file.picture is not None
        targets: list[Target] = ["json", "png", "charx"]
        specs: list[Spec] = ["v2", "v3"]
        for to, spec in product(targets, specs):
            written = write_card(file.document, to=to, spec=spec, picture=file.picture)
            again = read_card(written, name=to, limits=CardLimits())
            assert again.document == file.document
            assert again.picture == (None if to == "json" else file.picture)
