"""Cards become characters whole or not at all, and never in another's place."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest, StorageError
from services.domain.ids import UlidSource
from services.persona.cards.importing import CardImporter, CardTaken
from services.persona.cards.limits import CardLimits
from services.persona.cards.personas import read_persona
from services.persona.cards.shelves import cards_in, slug_of
from tests.fakes.card_files import archive, as_json, charx, png, text, v1, v2, v3
from tests.fakes.clock import ManualClock


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "data" / "characters"


@pytest.fixture
def importer(tmp_path: Path, shelf: Path) -> CardImporter:
    shipped = tmp_path / "characters"
    (shipped / "mira").mkdir(parents=True)
    (shipped / "mira" / "card.json").write_bytes(
        as_json(v3(name="Mira", extensions={"acore": {"id": "mira-id"}}))
    )
    ids = UlidSource(ManualClock(), random.Random(3))
    return CardImporter(into=shelf, shelves=(shipped,), ids=ids, limits=CardLimits())


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / "cards" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_card_becomes_a_folder_with_card_picture_and_files(
    tmp_path: Path, shelf: Path, importer: CardImporter
) -> None:
    main = "assets/icon/images/main.png"
    card = v3(
        name="Ada Comb",
        x_mine=[1],
        assets=[{"type": "icon", "uri": f"embeded://{main}", "name": "main", "ext": "png"}],
    )
    path = put(tmp_path, "a.charx", charx(card, {main: png(), "module.risum": b"z"}))
    imported = importer.take(path)
    folder = shelf / "ada-comb"
    assert imported.folder == folder
    assert imported.name == "Ada Comb"
    assert (folder / "avatar.png").read_bytes() == png()
    assert (folder / main).read_bytes() == png()
    assert (folder / "files" / "module.risum").read_bytes() == b"z"
    persona = read_persona(folder / "card.json")
    assert persona.name == "Ada Comb"
    assert len(persona.id) == 26, "an id of its own, so that memories survive a new name"
    assert [path.name for path in shelf.parent.iterdir()] == ["characters"]


def test_an_id_in_the_card_is_kept_unless_another_character_has_it(
    tmp_path: Path, shelf: Path, importer: CardImporter
) -> None:
    for name, own in (("Ada", "ada-id"), ("Bea", "mira-id"), ("Cia", "ada-id"), ("Dia", "mira")):
        card = v3(name=name, extensions={"acore": {"id": own, "aliases": ["x"]}})
        path = put(tmp_path, f"{name}.json", as_json(card))
        if name in ("Bea", "Cia"):
            with pytest.raises(CardTaken, match=r"--replace.*--as"):
                importer.take(path)
        imported = importer.take(path, as_name=name)
        assert bool(imported.warnings) == (name != "Ada")
    ids = {path.name: read_persona(path / "card.json").id for path in shelf.iterdir()}
    assert ids["ada"] == "ada-id"
    assert len({"mira-id", "mira", *ids.values()}) == 6
    assert read_persona(shelf / "bea" / "card.json").aliases == ("x",)


@pytest.mark.parametrize("name", ["Mira", "MIRA", " mira!", "Ada"])
def test_a_taken_name_is_refused_and_nothing_changes(
    tmp_path: Path, shelf: Path, importer: CardImporter, name: str
) -> None:
    importer.take(put(tmp_path, "first.json", as_json(v1())))
    before = (shelf / "ada" / "card.json").read_bytes()
    path = put(tmp_path, "second.json", as_json(v1(name=name, description="other")))
    with pytest.raises(InvalidRequest, match="--as"):
        importer.take(path)
    assert [path.name for path in shelf.iterdir()] == ["ada"]
    assert (shelf / "ada" / "card.json").read_bytes() == before
    assert importer.take(path, as_name="Second One").slug == "second-one"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        png(),
        archive({"card.json": b"{"}),
        charx(v3(), {"assets/a": b"", "assets/a/b": b""}),
    ],
)
def test_a_card_that_cannot_be_read_leaves_nothing_behind(
    tmp_path: Path, shelf: Path, importer: CardImporter, content: bytes
) -> None:
    with pytest.raises(InvalidRequest):
        importer.take(put(tmp_path, "a.bin", content))
    assert not shelf.exists() or not list(shelf.iterdir())
    assert not list(shelf.parent.glob(".*"))


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, shelf: Path, importer: CardImporter
) -> None:
    shelf.parent.mkdir()
    shelf.write_text("a file in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        importer.take(put(tmp_path, "a.json", as_json(v1())))


def test_a_nameless_card_is_called_after_its_file(tmp_path: Path, importer: CardImporter) -> None:
    assert importer.take(put(tmp_path, "Dora B.json", as_json(v2(name="")))).slug == "dora-b"
    with pytest.raises(InvalidRequest, match="--as"):
        importer.take(put(tmp_path, "!!.json", as_json(v2(name="?"))))


def test_a_folder_is_walked_without_hidden_files_and_links(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.json", ".hidden", ".git/x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "z.json").symlink_to(tmp_path / "b.png")
    assert cards_in(tmp_path) == [tmp_path / "b.png", tmp_path / "a" / "c.json"]


def test_pictures_read_like_their_cards(
    tmp_path: Path, shelf: Path, importer: CardImporter
) -> None:
    importer.take(put(tmp_path, "a.png", png(text("chara", v2()))))
    assert (shelf / "ada" / "avatar.png").read_bytes() == png()


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ada Comb", "ada-comb"),
        ("凛 雪", "凛-雪"),
        ("../../etc", "etc"),
        (".hidden", "hidden"),
        ("ﬁre", "fire"),
        ("A" * 500, "a" * 60),
        ("a_b", "a-b"),
        ("😀", ""),
        ("CON\0", "con"),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert slug_of(name) == slug
