"""Telling whether bytes are a picture, and how large, without decoding it."""

from __future__ import annotations

import colorsys
import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

from services.persona.cards.limits import CardLimits, CardProblem

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
_DEPTHS_OF_COLOUR = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_WIDTH, _HEIGHT = 400, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSize:
    """What kind of file a picture is (``png``, ``jpeg``, ``webp`` or ``gif``) and its pixels."""

    kind: str
    width: int
    height: int


def check_picture(data: bytes, *, limits: CardLimits) -> PictureSize:
    """Return the size that the picture in ``data`` states; nothing is decoded. Blocking.

    Raises ``CardProblem`` when it is no PNG, JPEG, WEBP or GIF, or has too many pixels.
    """
    if data.startswith(PNG_SIGNATURE):
        size = png_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = webp_size(data)
    else:
        size = _other_size(data)
    if size.width < 1 or size.height < 1:
        raise _no_picture()
    if size.width * size.height > limits.pixels:
        raise CardProblem(
            "picture_too_large", f"its picture has more than {limits.megapixels:g} million pixels"
        )
    return size


def png_size(data: bytes) -> PictureSize:
    """Return the size in a PNG's header; raises ``CardProblem`` when there is none."""
    if len(data) < 33 or data[12:16] != b"IHDR":  # signature, length, kind, 13 bytes, checksum
        raise _no_picture()
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if depth not in _DEPTHS_OF_COLOUR.get(colour, ()):
        raise _no_picture()
    return PictureSize(kind="png", width=width, height=height)


def webp_size(data: bytes) -> PictureSize:
    """Return the size in a WEBP's first chunk; raises ``CardProblem`` when there is none."""
    form, body = data[12:16], data[20:34]
    if len(body) < 10:
        raise _no_picture()
    if form == b"VP8X":
        width, height = _three(body, 4) + 1, _three(body, 7) + 1
    elif form == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif form == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    else:
        raise _no_picture()
    return PictureSize(kind="webp", width=width, height=height)


def as_png(data: bytes, *, limits: CardLimits) -> bytes:
    """Return ``data`` as it is when it is a PNG, else decoded and written as one. Blocking.

    Decoding takes up to 4 bytes a pixel. Raises ``CardProblem`` when it cannot be decoded.
    """
    check_picture(data, limits=limits)
    if data.startswith(PNG_SIGNATURE):
        return data
    from PIL import Image  # noqa: PLC0415  takes 0.1 s, and most cards need no conversion

    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP", "GIF")) as picture:
            mode = "RGBA" if picture.has_transparency_data else "RGB"
            picture.convert(mode).save(out, format="PNG")
    except (OSError, ValueError, SyntaxError) as error:
        raise _no_picture() from error
    return out.getvalue()


def plain_picture(name: str) -> bytes:
    """Return a PNG of 400 by 600 pixels in one colour that follows from ``name``."""
    hue = hashlib.sha256(name.encode("utf-8", errors="replace")).digest()[0] / 256
    colour = bytes(round(part * 255) for part in colorsys.hls_to_rgb(hue, 0.45, 0.4))
    rows = (b"\0" + colour * _WIDTH) * _HEIGHT
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(kind, body) for kind, body in parts)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG: length, kind, body and checksum."""
    return b"".join(
        (struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body)))
    )


def _three(body: bytes, start: int) -> int:
    return int.from_bytes(body[start : start + 3], "little")


def _other_size(data: bytes) -> PictureSize:
    if not (data.startswith(JPEG_START) or data[:6] in {b"GIF87a", b"GIF89a"}):
        raise _no_picture()
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "GIF")) as picture:
            kind, (width, height) = str(picture.format).lower(), picture.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise CardProblem("picture_too_large", "its picture has too many pixels") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _no_picture() from error
    return PictureSize(kind=kind, width=width, height=height)


def _no_picture() -> CardProblem:
    return CardProblem("picture_broken", "its picture is no PNG, JPEG, WEBP or GIF that is whole")
