"""Pictures within limits, whatever comes in."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from services.domain.errors import InvalidRequest
from services.images.sound import MOST_BYTES, sound_picture
from tests.fakes.picture_files import moving, noise, picture


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def huge_png(side: int) -> bytes:
    """A PNG that claims to have ``side`` squared pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_a_plain_picture_within_the_limits_stays_byte_for_byte(kind: str) -> None:
    content = picture(kind)
    found = await sound_picture(content, longest_side=128)
    assert found.content == content
    assert found.media_type == f"image/{kind.lower()}"


async def test_a_large_picture_is_scaled_down_and_keeps_its_shape() -> None:
    found = await sound_picture(picture("PNG", (4000, 1000)), longest_side=800)
    assert (found.width, found.height) == (800, 200)
    assert opened(found.content).size == (800, 200)


async def test_a_large_photo_is_read_at_a_fraction_of_its_size() -> None:
    found = await sound_picture(picture("JPEG", (9000, 9000)), longest_side=500)
    assert (found.width, found.media_type) == (500, "image/jpeg")


async def test_what_can_hardly_be_packed_becomes_a_jpeg() -> None:
    found = await sound_picture(noise((1200, 900)), longest_side=1280)
    assert found.media_type == "image/jpeg"


async def test_where_a_photo_was_taken_is_left_out_and_its_turn_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x010E] = "at home, Lighthouse Lane 3"
    found = await sound_picture(picture("JPEG", (60, 20), exif=exif), longest_side=128)
    assert b"Lighthouse" not in found.content
    assert (found.width, found.height) == (20, 60)


async def test_of_a_moving_picture_the_first_frame_is_shown() -> None:
    found = await sound_picture(moving((255, 0, 0), (0, 0, 255)), longest_side=128)
    assert found.media_type == "image/png"
    assert opened(found.content).convert("RGB").getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP"])
async def test_other_kinds_become_png(kind: str) -> None:
    found = await sound_picture(picture(kind), longest_side=128)
    assert found.content.startswith(b"\x89PNG")


async def test_transparency_is_kept() -> None:
    found = await sound_picture(picture("WEBP", colour=(1, 2, 3, 0)), longest_side=32)
    assert opened(found.content).mode == "RGBA"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "picture_unknown"),
        (b"<svg onload='x'></svg>", "picture_unknown"),
        (b"%PDF-1.4 not a picture", "picture_unknown"),
        (picture("PNG", (300, 300))[:200], "picture_damaged"),
        (picture("JPEG", (300, 300))[:400], "picture_damaged"),
        (huge_png(30_000), "picture_large"),
        (huge_png(7_000), "picture_large"),
        (bytes(MOST_BYTES + 1), "picture_large"),
    ],
    ids=["empty", "svg", "pdf", "cut png", "cut jpeg", "900 Mpx", "49 Mpx", "25 MB"],
)
async def test_what_is_no_sound_picture_is_refused_with_a_sentence(
    content: bytes, code: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await sound_picture(content, longest_side=128)
    assert refused.value.code == code
    assert refused.value.user_message.endswith(".")
