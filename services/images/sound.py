"""Bringing pictures within limits, whoever they come from."""

from __future__ import annotations

import asyncio
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES = 25_000_000
"""Bytes a picture's file may have."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_PLAIN = frozenset({"PNG", "JPEG"})
_MOST_PIXELS = 40_000_000
_MOST_PIXELS_JPEG = 150_000_000  # read at a fraction of its size
_LARGE_PNG = 2_000_000
_QUALITY = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPicture:
    """A picture that opens, as PNG or JPEG; ``media_type`` says which."""

    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def ending(self) -> str:
        """The ending of a file that holds it."""
        return "jpg" if self.media_type == "image/jpeg" else "png"


async def sound_picture(content: bytes, *, longest_side: int) -> SoundPicture:
    """Return a picture as PNG or JPEG whose sides have ``longest_side`` pixels at most.

    Of a moving one that is its first frame. What says more than the picture, such as where it was
    taken, is left out; one that needs no change comes back as it is. Decodes in a thread. Raises
    ``InvalidRequest`` with a sentence for what is no picture, is damaged or too large.
    """
    return await asyncio.to_thread(_sound, content, longest_side)


def _sound(content: bytes, longest_side: int) -> SoundPicture:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  only once a picture is there

    if len(content) > MOST_BYTES:
        raise InvalidRequest(
            "picture_large", f"A picture may have {MOST_BYTES // 1_000_000} MB at most."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
                return _within(found, content, longest_side)
    except UnidentifiedImageError as error:
        raise InvalidRequest(
            "picture_unknown", "That is no picture acore can open; PNG, JPEG, WebP or GIF will do."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, KeyError) as error:
        raise InvalidRequest(
            "picture_damaged", "That picture is damaged; save it anew and attach it again."
        ) from error
    except MemoryError as error:
        raise _too_many_pixels() from error


def _within(found: Image, content: bytes, longest_side: int) -> SoundPicture:
    from PIL import ImageOps  # noqa: PLC0415

    jpeg = found.format == "JPEG"
    if found.width * found.height > (_MOST_PIXELS_JPEG if jpeg else _MOST_PIXELS):
        raise _too_many_pixels()
    if jpeg:
        found.draft("RGB", (longest_side, longest_side))
        if found.width * found.height > _MOST_PIXELS:
            raise _too_many_pixels()
    small = max(found.size) <= longest_side
    still = getattr(found, "n_frames", 1) == 1
    found.load()
    if found.format in _PLAIN and small and still and not _tells_more(found, content):
        return _named(content, str(found.format), found.size)
    picture = ImageOps.exif_transpose(found)
    if picture.mode not in ("RGB", "RGBA", "L"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((longest_side, longest_side))
    return _written(picture, lossless=not jpeg)


def _written(picture: Image, *, lossless: bool) -> SoundPicture:
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    if lossless:
        picture.save(out, "PNG", pnginfo=None)
        if out.tell() <= _LARGE_PNG:
            return _named(out.getvalue(), "PNG", picture.size)
        out = io.BytesIO()
    if picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    picture.save(out, "JPEG", quality=_QUALITY, exif=b"")
    return _named(out.getvalue(), "JPEG", picture.size)


def _tells_more(found: Image, content: bytes) -> bool:
    if found.getexif() or len(content) > _LARGE_PNG:
        return True
    if found.format == "JPEG":
        return bool(found.info.keys() & {"comment", "xmp", "photoshop"})
    return bool(getattr(found, "text", None)) or "xmp" in found.info


def _named(content: bytes, kind: str, size: tuple[int, int]) -> SoundPicture:
    media_type = "image/jpeg" if kind == "JPEG" else "image/png"
    return SoundPicture(content=content, media_type=media_type, width=size[0], height=size[1])


def _too_many_pixels() -> InvalidRequest:
    return InvalidRequest("picture_large", "That picture has too many pixels; scale it down first.")
