"""Pictures are measured by their headers and converted only when asked."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from services.domain.errors import InvalidRequest
from services.persona.cards.limits import CardLimits
from services.persona.cards.pictures import as_png, check_picture, plain_picture
from services.persona.cards.reading import read_card
from services.persona.cards.writing import write_card
from tests.fakes.card_files import charx, png, v3

LIMITS = CardLimits()


def drawn(
    form: str, *, mode: str = "RGB", size: tuple[int, int] = (9, 5), **options: bool
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "teal").save(out, format=form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (drawn("PNG"), "png"),
        (drawn("PNG", mode="P"), "png"),
        (drawn("JPEG"), "jpeg"),
        (drawn("GIF", mode="P"), "gif"),
        (drawn("WEBP"), "webp"),
        (drawn("WEBP", lossless=True), "webp"),
        (drawn("WEBP", mode="RGBA", lossless=True), "webp"),
    ],
)
def test_every_kind_is_measured_and_becomes_a_png(data: bytes, kind: str) -> None:
    size = check_picture(data, limits=LIMITS)
    assert (size.kind, size.width, size.height) == (kind, 9, 5)
    with Image.open(io.BytesIO(as_png(data, limits=LIMITS))) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (9, 5))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_too_many_pixels_are_refused(form: str) -> None:
    data = drawn(form, size=(1_100, 1_000))
    with pytest.raises(InvalidRequest, match="pixels"):
        check_picture(data, limits=CardLimits(megapixels=1))


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8\xff\xe0", drawn("WEBP")[:25], drawn("PNG")[:20], png()[:8]]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        as_png(data, limits=LIMITS)


def test_a_picture_that_breaks_off_is_refused_when_converted() -> None:
    with pytest.raises(InvalidRequest):
        as_png(drawn("JPEG", size=(300, 300))[:-200], limits=LIMITS)


def test_a_jpeg_icon_becomes_the_picture_of_a_png() -> None:
    path = "assets/icon/images/main.jpg"
    card = v3(assets=[{"type": "icon", "uri": f"embeded://{path}", "name": "main", "ext": "jpg"}])
    file = read_card(charx(card, {path: drawn("JPEG")}), name="a", limits=LIMITS)
    written = write_card(file.document, to="png", picture=file.picture, assets=file.assets)
    again = read_card(written, name="b", limits=LIMITS)
    assert again.picture is not None
    assert check_picture(again.picture, limits=LIMITS).width == 9
    assert again.document.assets[0].uri == "ccdefault:"


def test_plain_pictures_differ_by_name() -> None:
    assert plain_picture("Ada") == plain_picture("Ada") != plain_picture("Bea")
