"""Cards in WEBP: JSON in EXIF, in the ways it was ever put there."""

from __future__ import annotations

import base64

import pytest

from services.domain.errors import InvalidRequest
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import CardFile, read_card
from tests.fakes.card_files import as_json, exif, v2, webp

CARD = v2(name="凛")


def read(data: bytes) -> CardFile:
    return read_card(data, name="a.webp", limits=CardLimits())


@pytest.mark.parametrize(
    "value",
    [
        as_json(CARD),
        b"ASCII\0\0\0" + as_json(CARD) + b"\0",
        b"\0" * 8 + as_json(CARD),
        b"UNICODE\0" + as_json(CARD).decode().encode("utf-16-le"),
        b"UNICODE\0" + as_json(CARD).decode().encode("utf-16-be"),
        base64.b64encode(as_json(CARD)),
        b",".join(b"%d" % byte for byte in as_json(CARD)),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nested", [True, False])
def test_user_comments(value: bytes, order: str, nested: bool) -> None:
    data = webp(exif=exif(value, order=order, nested=nested))
    file = read(data)
    assert file.container == "webp"
    assert file.document.name == "凛"
    assert file.picture == data
    assert read(webp(exif=b"Exif\0\0" + exif(value, order=order))).document.name == "凛"


def test_json_anywhere_in_the_metadata() -> None:
    assert read(webp(exif=b"junk {not} \xff" + as_json(CARD) + b"more")).document.name == "凛"
    escaped = as_json(CARD).decode().replace('"', "&quot;")
    xmp = f"<x:xmpmeta><a>{escaped}</a></x:xmpmeta>".encode()
    assert read(webp(xmp=xmp)).document.name == "凛"


@pytest.mark.parametrize(
    "data",
    [
        webp(),
        webp(exif=b"II*\0\xff\xff\xff\xff"),
        webp(exif=exif(b"nothing here")),
        webp(exif=exif(as_json(CARD), tag=0x9999).replace(b"{", b"(")),
        webp(exif=exif(as_json(CARD)))[:-40],
        webp(exif=exif(as_json(CARD)), width=16_000, height=16_000),
        webp(exif=b"{" * 500_000),
        b"RIFF\0\0\0\0WEBP",
    ],
)
def test_what_has_no_card_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read(data)
    assert refusal.value.user_message.endswith(".")


def test_directories_that_point_at_each_other_end() -> None:
    loop = b"II*\0\x08\0\0\0" + b"\2\0" + (b"\x69\x87\4\0\1\0\0\0\x08\0\0\0" * 2) + b"\0\0\0\0"
    with pytest.raises(InvalidRequest):
        read(webp(exif=loop))


def test_many_directories_and_texts_are_not_followed_for_ever() -> None:
    many = 250
    table = b"".join(
        b"\x69\x87\4\0\1\0\0\0" + (8 + 2 * number).to_bytes(4, "little") for number in range(many)
    )
    data = b"II*\0\x08\0\0\0" + many.to_bytes(2, "little") + table + b"\xfa\0" * 100_000
    with pytest.raises(InvalidRequest):
        read(webp(exif=data))
