"""Cards in archives: CHARX in all its dresses, and archives that mean harm."""

from __future__ import annotations

import base64
import io
import json
import struct
import warnings
import zipfile
from typing import Any

import pytest

from services.domain.errors import InvalidRequest
from services.persona.cards.archives import safe_name
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import CardFile, read_card
from services.persona.cards.writing import Spec, write_card
from tests.fakes.card_files import archive, as_json, charx, jpeg, png, text, v2, v3

MAIN = "assets/icon/images/main.png"


def read(data: bytes, **limits: float) -> CardFile:
    return read_card(data, name="ada.charx", limits=CardLimits(**limits))  # type: ignore[arg-type]


def twice(name: str, first: bytes, second: bytes) -> bytes:
    """A CHARX that holds two files of one name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = [(name, first), (name, second)]
        for each, content in [*files, *([] if name == "card.json" else [("card.json", first)])]:
            target.writestr(each, content)
    return out.getvalue()


def refused(data: bytes, **limits: float) -> str:
    with pytest.raises(InvalidRequest) as refusal:
        read(data, **limits)
    sentence = refusal.value.user_message
    assert sentence.startswith("The card ada.charx ")
    assert sentence.endswith(".")
    assert ". " not in sentence
    return sentence


def icon(uri: str, **fields: object) -> dict[str, object]:
    return v3(assets=[{"type": "icon", "uri": uri, "name": "main", "ext": "png"}], **fields)


@pytest.mark.parametrize("scheme", ["embeded://", "embedded://", "__asset:", "EMBEDED://"])
def test_every_spelling_of_an_address_in_the_archive(scheme: str) -> None:
    file = read(charx(icon(scheme + MAIN), {MAIN: png()}))
    assert file.container == "charx"
    assert file.picture == png()
    assert file.assets == {MAIN: png()}


def test_paths_are_case_sensitive() -> None:
    file = read(charx(icon("embeded://Assets/A.png"), {"assets/a.png": png()}))
    assert file.picture is None
    assert any("not in the file" in warning for warning in file.warnings)


def test_chinese_names_and_paths() -> None:
    path = "assets/icon/images/凛.png"
    file = read(charx(icon(f"embeded://{path}", name="凛"), {path: png()}))
    assert file.document.name == "凛"
    assert file.picture == png()


def test_names_in_utf_8_that_do_not_say_so() -> None:
    path = "assets/icon/images/凛.png"
    data = bytearray(charx(icon(f"embeded://{path}"), {path: png()}))
    for mark, place in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        data[data.rindex(mark) + place] &= ~0x08
    file = read(bytes(data))
    assert list(file.assets) == [path]
    assert file.picture == png()


def test_other_files_of_the_archive_are_kept() -> None:
    others = {"module.risum": b"\1\2", "x_meta/1.json": b"{}", "assets/other/other/a.bin": b"z"}
    file = read(charx(v3(), others))
    assert file.assets == others
    again = read(write_card(file.document, to="charx", assets=file.assets))
    assert again.assets == others
    assert again.document == file.document


@pytest.mark.parametrize("front", [b"\x7fELF" + b"\0" * 99, b"MZ" + b"\0" * 99, b"#!/bin/sh\n"])
def test_behind_a_program(front: bytes) -> None:
    assert read(front + charx(v3())).document.name == "Ada"


def test_behind_a_jpeg_which_is_the_picture_if_there_is_no_other() -> None:
    front = jpeg()
    assert read(front + charx(v3())).picture == front
    assert read(front + charx(icon(f"embeded://{MAIN}"), {MAIN: png()})).picture == png()


def test_offsets_counted_from_the_front_of_the_file_and_bytes_after_its_end() -> None:
    out = io.BytesIO(jpeg())
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "a") as target:
        target.writestr("card.json", as_json(v3()))
    assert read(out.getvalue()).document.name == "Ada"
    assert read(out.getvalue() + b"\n" * 70_000).document.name == "Ada"


def test_the_content_decides_and_not_the_name() -> None:
    assert read_card(charx(v3()), name="a.png", limits=CardLimits()).container == "charx"
    assert read_card(as_json(v2()), name="a.charx", limits=CardLimits()).container == "json"


def test_archives_inside_are_not_opened() -> None:
    inner = archive({"card.json": as_json(v3(name="Inner"))})
    file = read(charx(v3(), {"assets/inner.charx": inner}))
    assert file.document.name == "Ada"
    assert file.assets == {"assets/inner.charx": inner}


def test_remote_pictures_are_not_fetched() -> None:
    file = read(charx(icon("http://127.0.0.1:1/a.png")))
    assert file.picture is None
    assert any("nothing is fetched" in warning for warning in file.warnings)
    assert file.document.assets[0].uri == "http://127.0.0.1:1/a.png"


def test_an_icon_spelled_out_in_the_card() -> None:
    uri = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert read(as_json(icon(uri))).picture == png()


def listed(packed: bytes) -> Any:
    """What the card in an archive says of its files, as other programs read it."""
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        data = json.loads(opened.read("card.json"))["data"]
        return data.get("assets") or data["extensions"]["acore_v3"]["assets"]


OWN: dict[str, object] = {"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}
REMOTE: dict[str, object] = {"type": "x_a", "uri": "https://e.x/a", "name": "a", "ext": "bin"}


@pytest.mark.parametrize("spec", ["v2", "v3"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"assets": None},
        {"assets": []},
        {"assets": [REMOTE]},
        {"assets": [{**OWN, "x_mine": 1}, REMOTE]},
        {"assets": [{**OWN, "ext": "webp"}]},
        {"assets": [{"type": "icon", "uri": "ccdefault:", "name": "main"}]},
    ],
)
def test_a_png_becomes_an_archive_and_the_same_card_again(
    spec: Spec, fields: dict[str, object]
) -> None:
    first = read(png(text("ccv3", v3(**fields))))
    packed = write_card(first.document, to="charx", spec=spec, picture=first.picture)
    icon = next(asset for asset in listed(packed) if asset["type"] == "icon")
    assert (icon["uri"], icon["ext"]) == (f"embeded://{MAIN}", "png"), "as others find it"
    again = read(packed)
    assert again.document == first.document
    assert (again.picture, again.assets) == (first.picture, {})
    second = write_card(again.document, to="charx", spec=spec, picture=again.picture)
    assert second == packed
    unpacked = read(write_card(again.document, to="png", picture=again.picture))
    assert unpacked.document == first.document
    assert unpacked.picture == first.picture


def test_an_icon_changed_in_an_archive_of_ours_is_the_picture() -> None:
    first = read(png(text("chara", v2())))
    packed = write_card(first.document, to="charx", picture=first.picture)
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        card = opened.read("card.json")
    other = png(text("Comment", None, raw=b"another"))
    assert read(archive({"card.json": card, MAIN: other})).picture == other


def test_files_become_addresses_where_there_is_no_place_for_files() -> None:
    card = icon(f"embeded://{MAIN}")
    file = read(charx(card, {MAIN: png()}))
    again = read(write_card(file.document, to="json", picture=file.picture, assets=file.assets))
    assert again.picture == png()
    assert again.document.assets[0].uri.startswith("data:image/png;base64,")


def test_older_files_between_chunks_move_into_an_archive() -> None:
    chunk = text("chara-ext-asset_:smile.png", None, raw=base64.b64encode(png()))
    card = v3(assets=[{"type": "emotion", "uri": "__asset:smile.png", "name": "joy", "ext": "png"}])
    file = read(png(text("ccv3", card), chunk))
    packed = read(write_card(file.document, to="charx", picture=file.picture, assets=file.assets))
    uris = {asset.type: asset.uri for asset in packed.document.assets}
    assert packed.assets[uris["emotion"].removeprefix("embeded://")] == png()
    assert packed.picture == png()
    kept = read(write_card(file.document, to="png", picture=file.picture, assets=file.assets))
    assert kept.document == file.document
    assert kept.assets == file.assets


def test_pictures_too_large_for_a_png_are_refused_with_a_way_out() -> None:
    files = {MAIN: png(), "assets/x.bin": b"\0" * 7_000_000}
    card = v3(assets=[{"type": "x_a", "uri": "embeded://assets/x.bin", "name": "a", "ext": "bin"}])
    file = read(charx(card, files), archive_ratio=10_000)
    with pytest.raises(InvalidRequest, match="CHARX"):
        write_card(file.document, to="png", assets=file.assets)


class TestRefused:
    def test_no_card_inside(self) -> None:
        assert "card.json" in refused(archive({"readme.txt": b"hello"}))
        assert "card.json" in refused(archive({}))
        assert "card.json" in refused(archive({"inner/card.json": as_json(v3())}))

    @pytest.mark.parametrize(
        "path",
        [
            "../card.txt",
            "assets/../../x",
            "/etc/passwd",
            "..\\x",
            "C:\\x",
            "C:/x",
            "a//b",
            "a/./b",
            "x\0y",
            "~" * 300,
        ],
    )
    def test_paths_that_lead_out(self, path: str) -> None:
        data = archive({"card.json": as_json(v3()), "@" * len(path.encode()): b"evil"})
        swapped = data.replace(b"@" * len(path.encode()), path.encode())
        assert "leads out" in refused(swapped)

    def test_ten_thousand_files(self) -> None:
        assert "500 files" in refused(charx(v3(), {f"a/{n}": b"" for n in range(10_000)}))
        assert "500 files" in refused(charx(v3(), {f"a/{n}": b"" for n in range(500)}))
        assert len(read(charx(v3(), {f"a/{n}": b"" for n in range(499)})).assets) == 499

    def test_a_file_that_grows_a_thousandfold(self) -> None:
        assert "200 times" in refused(charx(v3(), {"assets/zero": b"\0" * 20_000_000}))

    def test_many_files_that_are_large_together(self) -> None:
        half = bytes(range(256)) * 128 + b"\0" * 8
        files = {f"assets/{n}": half * 8 for n in range(300)}
        assert "64 MB" in refused(charx(v3(), files))

    def test_a_card_that_is_large_once_unpacked(self) -> None:
        lines = b"".join(b"%d\\n" % n for n in range(1_300_000))
        data = archive({"card.json": b'{"name":"' + lines + b'"}'})
        assert "8 MB once unpacked" in refused(data)

    def test_a_directory_that_is_large_by_itself(self) -> None:
        assert "500 files" in refused(charx(v3(), {"n" * 200 + f"{n}": b"" for n in range(4_000)}))

    def test_encrypted_files(self) -> None:
        data = bytearray(charx(v3()))
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(mark) + place] |= 1
        assert "encrypted" in refused(bytes(data))

    def test_unusual_packing(self) -> None:
        data = archive({"card.json": as_json(v3())}, method=zipfile.ZIP_LZMA)
        assert "unusual" in refused(data)

    def test_zip64(self) -> None:
        data = charx(v3())
        end = data.index(b"PK\x05\x06")
        locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
        assert "zip64" in refused(data[:end] + locator + data[end:])

    def test_two_files_of_one_name_that_differ(self) -> None:
        for name in ("card.json", "assets/a"):
            assert "same name" in refused(twice(name, as_json(v3(name="A")), as_json(v3())))
        same = twice("card.json", as_json(v3()), as_json(v3()))
        assert read(same).document.name == "Ada"

    def test_links(self) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            target.writestr("card.json", as_json(v3()))
            link = zipfile.ZipInfo("assets/a.png")
            link.create_system, link.external_attr = 3, 0o120777 << 16
            target.writestr(link, "/etc/passwd")
        assert "link" in refused(out.getvalue())

    def test_a_file_that_is_larger_than_it_says(self) -> None:
        data = charx(v3(), {"assets/a": b"\0" * 30_000_000})
        told = data.replace(struct.pack("<I", 30_000_000), struct.pack("<I", 1_000))
        assert "damaged" in refused(told)

    def test_damage(self) -> None:
        whole = charx(v3())
        for cut in (10, len(whole) // 2, len(whole) - 1):
            refused(whole[:cut])
        broken = bytearray(whole)
        broken[60] ^= 0xFF
        refused(bytes(broken))

    def test_an_icon_of_900_megapixels(self) -> None:
        from tests.fakes.card_files import END, SIGNATURE, header, pixels

        bomb = SIGNATURE + header(30_000, 30_000) + pixels() + END
        assert "25 million" in refused(charx(icon(f"embeded://{MAIN}"), {MAIN: bomb}))

    @pytest.mark.parametrize("data", [b"", b"hello", jpeg(), b"GIF89a", b"\0" * 100, b"\x89PNG"])
    def test_other_files(self, data: bytes) -> None:
        refused(data)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.png", "a/b.png"),
        ("a\\b.png", "a/b.png"),
        ("凛/a", "凛/a"),
        ("...", "..."),
        ("..", None),
        ("", None),
        ("a/", None),
        ("c:", None),
        ("a\nb", None),
    ],
)
def test_safe_names(name: str, safe: str | None) -> None:
    assert safe_name(name) == safe
