"""A character's versions: every one is kept, none is made twice, any comes back."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest, NotFound, StorageError
from services.domain.ids import UlidSource
from services.persona.cards.identities import IdentityIndex
from services.persona.cards.importing import CardImporter, CardTaken
from services.persona.cards.keeping import digest_of
from services.persona.cards.limits import CardLimits
from services.persona.cards.personas import read_persona
from tests.fakes.card_files import as_json, charx, png, text, v1, v2, v3
from tests.fakes.clock import ManualClock


class Shelf:
    """A folder of imported characters beside one of shipped ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / "data" / "characters"
        self.shipped = folder / "characters"
        mira = self.shipped / "mira"
        mira.mkdir(parents=True)
        (mira / "card.json").write_bytes(
            as_json(v3(name="Mira Tallow", extensions={"acore": {"id": "mira"}}))
        )
        (mira / "avatar.png").write_bytes(png())
        self._ids = UlidSource(ManualClock(), random.Random(3))

    @property
    def importer(self) -> CardImporter:
        return CardImporter(
            into=self.own, shelves=(self.shipped,), ids=self._ids, limits=CardLimits()
        )

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / "cards" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def description(self, slug: str) -> str:
        return read_persona(self.own / slug / "card.json").character.description

    def id(self, slug: str) -> str:
        return read_persona(self.own / slug / "card.json").id

    def everything(self) -> dict[str, bytes]:
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def card(description: str, **fields: object) -> bytes:
    return as_json(v2(description=description, **fields))


def test_a_new_version_keeps_the_id_and_every_earlier_version(shelf: Shelf) -> None:
    importer = shelf.importer
    importer.take(shelf.put("a.png", png(text("chara", v2(description="one")))))
    first = shelf.id("ada")
    for description in ("two", "three"):
        imported = importer.take(shelf.put("a.json", card(description)), replace=True)
        assert (imported.outcome, imported.slug) == ("replaced", "ada")
    assert (shelf.id("ada"), shelf.description("ada")) == (first, "three")
    assert not (shelf.own / "ada" / "avatar.png").exists(), "the new version has no picture"
    versions = importer.versions("ada")
    assert [version.number for version in versions] == [1, 2, 3]
    assert [version.is_current for version in versions] == [False, False, True]
    told = [json.loads((version.folder / "card.json").read_bytes()) for version in versions]
    assert [each["data"]["description"] for each in told] == ["one", "two", "three"]
    assert (versions[0].folder / "avatar.png").read_bytes() == png()
    assert all(digest_of(version.folder) == version.digest for version in versions)


def test_the_same_content_makes_no_version(shelf: Shelf) -> None:
    path = shelf.put("a.json", card("one"))
    shelf.importer.take(path)
    before = shelf.everything()
    assert shelf.importer.take(path, replace=True).outcome == "unchanged"
    assert shelf.everything() == before


def test_rolling_back_is_a_version_of_its_own_and_brings_all_files(shelf: Shelf) -> None:
    importer = shelf.importer
    main = "assets/icon/images/main.png"
    icon = {"type": "icon", "uri": f"embeded://{main}", "name": "main", "ext": "png"}
    importer.take(
        shelf.put("a.charx", charx(v3(assets=[icon]), {main: png(), "assets/x": b"x", "y": b"y"}))
    )
    own = shelf.id("ada")
    before = digest_of(shelf.own / "ada")
    clash = {"assets/x/deeper": b"z", main: png(text("a", "b"))}
    importer.take(shelf.put("b.charx", charx(v3(assets=[icon], tags=["n"]), clash)), replace=True)
    assert (shelf.own / "ada" / "assets" / "x" / "deeper").read_bytes() == b"z"
    assert not (shelf.own / "ada" / "files").exists()
    assert importer.roll_back("ada", "1").outcome == "replaced"
    assert digest_of(shelf.own / "ada") == before
    assert (shelf.own / "ada" / "files" / "y").read_bytes() == b"y"
    versions = importer.versions("ADA")
    assert [version.digest for version in versions] == [before, versions[1].digest, before]
    assert importer.version("ada", before[:6]).number == 3
    assert shelf.id("ada") == own
    assert importer.roll_back("ada", "3").outcome == "unchanged"


def test_what_was_changed_by_hand_is_kept_before_it_is_replaced(shelf: Shelf) -> None:
    importer = shelf.importer
    importer.take(shelf.put("a.json", card("one")))
    file = shelf.own / "ada" / "card.json"
    edited = file.read_bytes().replace(b"one", b"by hand")
    file.write_bytes(edited)
    (shelf.own / "ada" / "notes.txt").write_text("mine")
    versions = importer.versions("ada")
    assert [(each.is_current, each.saved_at is None) for each in versions] == [
        (False, False),
        (True, True),
    ]
    importer.roll_back("ada", "1")
    assert shelf.description("ada") == "one"
    importer.roll_back("ada", "2")
    assert file.read_bytes() == edited
    assert (shelf.own / "ada" / "notes.txt").read_text() == "mine"


def test_a_shipped_character_is_replaced_in_a_copy_and_can_come_back(shelf: Shelf) -> None:
    shipped = {name: data for name, data in shelf.everything().items() if "data" not in name}
    importer = shelf.importer
    path = shelf.put("m.json", card("another", name="Mira Tallow"))
    with pytest.raises(CardTaken, match="mira already"):
        importer.take(path)
    assert importer.take(path, replace=True).slug == "mira"
    assert (shelf.id("mira"), shelf.description("mira")) == ("mira", "another")
    assert len(importer.versions("mira")) == 2
    importer.roll_back("mira", "1")
    assert shelf.description("mira") == "Keeps bees."
    assert (shelf.own / "mira" / "avatar.png").read_bytes() == png()
    now = shelf.everything()
    assert {name: now[name] for name in shipped} == shipped


def test_a_file_of_ones_own_is_replaced_beside_it(shelf: Shelf) -> None:
    shelf.own.mkdir(parents=True)
    dropped = shelf.own / "Ada B.png"
    dropped.write_bytes(png(text("chara", v2(name="Ada", description="one"))))
    index = IdentityIndex(shelf.own / ".index.json")
    given = index.identify("Ada B.png", "0", slug="elsewhere", present=["Ada B.png"], taken=[])
    index.save(present=["Ada B.png"])
    before = dropped.read_bytes()
    with pytest.raises(NotFound, match="import it"):
        shelf.importer.versions("ada-b")
    importer = shelf.importer
    for description in ("two", "three"):
        importer.take(shelf.put("a.json", card(description)), replace=True)
    assert (shelf.id("ada-b"), dropped.read_bytes()) == (given, before)
    importer.roll_back("ada-b", "1")
    assert (shelf.id("ada-b"), shelf.description("ada-b")) == (given, "one")
    assert (shelf.own / "ada-b" / "avatar.png").read_bytes() == png()


def test_replace_with_a_name_replaces_that_character(shelf: Shelf) -> None:
    importer = shelf.importer
    importer.take(shelf.put("a.json", card("one")))
    importer.take(shelf.put("b.json", card("two", name="Bea")))
    done = importer.take(shelf.put("c.json", card("3", name="Bea")), as_name="Ada", replace=True)
    assert done.slug == "ada"
    assert (shelf.description("ada"), shelf.description("bea")) == ("3", "two")


def test_replace_makes_a_character_where_there_is_none(shelf: Shelf) -> None:
    assert shelf.importer.take(shelf.put("a.json", card("1")), replace=True).outcome == "new"


def test_the_id_in_a_card_finds_its_character_under_any_name(shelf: Shelf) -> None:
    importer = shelf.importer
    own = {"acore": {"id": "ada-id"}}
    importer.take(shelf.put("a.json", card("one", extensions=own)))
    renamed = shelf.put("b.json", card("two", name="Adelaide", extensions=own))
    with pytest.raises(CardTaken, match="ada already"):
        importer.take(renamed)
    importer.take(renamed, replace=True)
    assert [path.name for path in shelf.own.iterdir()] == ["ada"]
    assert shelf.id("ada") == "ada-id"


def test_a_characters_folder_is_imported_with_what_lies_in_it(shelf: Shelf) -> None:
    folder = shelf.folder / "elsewhere" / "Dora"
    for name, content in {
        "card.json": as_json(v1(name="")),
        "avatar.png": png(),
        "lorebook.json": b'{"entries": {}}',
        "assets/a/b": b"ab",
        "versions/x/card.json": b"old",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    imported = shelf.importer.take(folder / "card.json")
    assert imported.slug == "dora"
    kept = {path.name for path in imported.folder.rglob("*") if path.is_file()}
    assert kept == {"card.json", "avatar.png", "lorebook.json", "b"}
    assert (imported.folder / "assets" / "a" / "b").read_bytes() == b"ab"


def test_files_beside_a_card_are_bounded(shelf: Shelf) -> None:
    for number in range(CardLimits().archive_files + 1):
        shelf.put(f"{number}", b"")
    folder = shelf.folder / "cards"
    folder.rename(shelf.folder / "assets")
    (shelf.folder / "card.json").write_bytes(as_json(v1()))
    with pytest.raises(InvalidRequest, match="beside it"):
        shelf.importer.take(shelf.folder / "card.json")
    assert not list(shelf.folder.glob("data/.importing*"))


def test_an_unknown_version_or_character_is_said(shelf: Shelf) -> None:
    shelf.importer.take(shelf.put("a.json", card("one")))
    for name, version, sentence in (
        ("ada", "2", "its versions are 1 to 1"),
        ("ada", "../..", "no version"),
        ("nobody", "1", "no character called nobody"),
    ):
        with pytest.raises(NotFound, match=sentence):
            shelf.importer.roll_back(name, version)


def test_a_full_disk_leaves_the_present_version(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer = shelf.importer
    importer.take(shelf.put("a.json", card("one")))
    path = shelf.put("b.json", card("two"))
    write_bytes = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if ".importing-" in str(self):
            raise OSError(28, "No space left on device")
        return write_bytes(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="No space left"):
        importer.take(path, replace=True)
    monkeypatch.undo()
    assert shelf.description("ada") == "one"
    assert len(importer.versions("ada")) == 1
    assert [path.name for path in shelf.own.parent.iterdir()] == ["characters"]
