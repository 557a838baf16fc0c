"""Pictures inside JSON: data URIs, by what their bytes really are.

https://discord.com/developers/docs/reference#image-data
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from tests.discord_standin import errors

_DATA_URI = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif);base64,(.+)", re.DOTALL)
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_in(given: object, *, field: str, most_bytes: int | None = None) -> bytes:
    """Return the bytes of a data URI.

    Raises:
        DiscordError: it is none, holds no picture, or more than ``most_bytes``.
    """
    found = _DATA_URI.fullmatch(given) if isinstance(given, str) else None
    try:
        data = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        data = b""
    if content_type_of(data) is None:
        raise errors.invalid_form(field, "BASE_TYPE_IMAGE", "Invalid image data")
    if most_bytes is not None and len(data) > most_bytes:
        raise errors.invalid_form(
            field,
            "BINARY_TYPE_MAX_SIZE",
            f"File cannot be larger than {most_bytes / 1024:.1f} kb.",
        )
    return data


def content_type_of(data: bytes) -> str | None:
    """Return what kind of picture these bytes are, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] == b"ftypavif":
        return "image/avif"
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
