"""A character's picture is found wherever its card keeps it, and never outside of its folder."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from services.persona.library import CharacterLibrary
from services.persona.pictures import CharacterPictures
from tests.fakes.card_files import as_json, charx, png, text, v3


def picture(colour: str, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, kind)
    return out.getvalue()


RED, BLUE = picture("red"), picture("blue")
MAIN_ICON = [
    {"type": "icon", "uri": "embeded://other.png", "name": "happy", "ext": "png"},
    {"type": "icon", "uri": "embeded://icon/the main.png", "name": "main", "ext": "png"},
]


class Shelves:
    """Two folders of characters."""

    def __init__(self, folder: Path) -> None:
        self.shipped, self.own = folder / "characters", folder / "data" / "characters"
        self.own.mkdir(parents=True)
        self.shipped.mkdir()
        self.outside = folder / "outside.png"
        self.outside.write_bytes(BLUE)

    def put(self, path: Path, content: bytes) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def card(self, path: Path, **fields: object) -> Path:
        return self.put(path, as_json(v3(name="Mira", **fields)))

    async def of(self, slug: str = "mira") -> bytes | None:
        library = CharacterLibrary(self.shipped, self.own, default=slug, own=self.own)
        async with library:
            persona = library.find(slug)
            return await CharacterPictures(self.shipped, self.own).of(persona)


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    return Shelves(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("avatar.png", "PNG"),
        ("avatar.jpg", "JPEG"),
        ("avatar.webp", "WEBP"),
        ("avatar.gif", "GIF"),
    ],
)
async def test_the_avatar_in_the_folder_is_it(shelves: Shelves, name: str, kind: str) -> None:
    shelves.card(shelves.shipped / "mira" / "card.json")
    avatar = shelves.put(shelves.shipped / "mira" / name, picture("red", kind))
    assert await shelves.of() == avatar.read_bytes()


async def test_a_later_folder_wins(shelves: Shelves) -> None:
    for shelf, content in ((shelves.shipped, RED), (shelves.own, BLUE)):
        shelves.card(shelf / "mira" / "card.json")
        shelves.put(shelf / "mira" / "avatar.png", content)
    assert await shelves.of() == BLUE


async def test_a_replaced_character_does_not_get_the_picture_of_the_one_before(
    shelves: Shelves,
) -> None:
    shelves.card(shelves.shipped / "mira" / "card.json")
    shelves.put(shelves.shipped / "mira" / "avatar.png", RED)
    shelves.card(shelves.own / "mira" / "card.json")
    assert await shelves.of() is None


async def test_a_card_that_is_a_picture_is_its_own_without_the_card_in_it(shelves: Shelves) -> None:
    raw = png(text("ccv3", v3(name="Mira")))
    shelves.put(shelves.shipped / "Mira Tallow.png", raw)
    found = await shelves.of("mira-tallow")
    assert found is not None
    with Image.open(io.BytesIO(found)) as opened:
        opened.load()
    assert base64.b64encode(as_json(v3(name="Mira")))[:40] not in found


async def test_the_main_icon_of_an_archive_is_found(shelves: Shelves) -> None:
    card = v3(name="Mira", assets=MAIN_ICON)
    raw = charx(card, {"icon/the main.png": RED, "other.png": BLUE})
    shelves.put(shelves.shipped / "mira.charx", raw)
    assert await shelves.of() == RED


@pytest.mark.parametrize("folder", ["files", "assets"])
async def test_the_main_icon_among_the_kept_files_is_found(shelves: Shelves, folder: str) -> None:
    uri = {"files": "icon/the%20main.png", "assets": "assets/icon/the%20main.png"}[folder]
    assets = [MAIN_ICON[0], {**MAIN_ICON[1], "uri": f"embeded://{uri}"}]
    shelves.card(shelves.shipped / "mira" / "card.json", assets=assets)
    shelves.put(shelves.shipped / "mira" / folder / "icon" / "the main.png", RED)
    assert await shelves.of() == RED


async def test_a_card_cannot_name_a_file_outside_of_its_folder(shelves: Shelves) -> None:
    for uri in ("embeded://../../../outside.png", f"embeded://{shelves.outside}"):
        assets = [{**MAIN_ICON[1], "uri": uri}]
        shelves.card(shelves.shipped / "mira" / "card.json", assets=assets)
        (shelves.shipped / "mira" / "files").mkdir(exist_ok=True)
        assert await shelves.of() is None


async def test_links_out_of_the_folder_are_not_followed(shelves: Shelves) -> None:
    shelves.card(shelves.shipped / "mira" / "card.json")
    (shelves.shipped / "mira" / "avatar.png").symlink_to(shelves.outside)
    assert await shelves.of() is None
    shutil.move(shelves.shipped / "mira", shelves.outside.with_name("elsewhere"))
    (shelves.outside.with_name("elsewhere") / "avatar.png").unlink()
    (shelves.outside.with_name("elsewhere") / "avatar.png").write_bytes(RED)
    (shelves.shipped / "mira").symlink_to(shelves.outside.with_name("elsewhere"))
    assert await shelves.of() is None


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", RED + b" " * (11 << 20)]
)
async def test_what_is_no_sound_picture_within_the_limit_counts_as_none(
    shelves: Shelves, content: bytes
) -> None:
    shelves.card(shelves.shipped / "mira" / "card.json")
    shelves.put(shelves.shipped / "mira" / "avatar.png", content)
    assert await shelves.of() is None


async def test_the_shipped_characters_have_one() -> None:
    folder = Path(__file__).parents[3] / "characters"
    async with CharacterLibrary(folder, default="mira") as library:
        assert library.all()
        for persona in library.all():
            assert await CharacterPictures(folder).of(persona), persona.slug
