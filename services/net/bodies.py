"""Reading the body of an HTTP response without taking in more than wanted."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientResponse

ENCODINGS = "gzip, deflate"
"""What ``read_body`` unpacks, as the ``Accept-Encoding`` header has it."""

_CHUNK = 1 << 16
_ANY_HEADER = 47
_NO_HEADER = -15
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class BodyTooLargeError(Exception):
    """The body is larger than allowed."""


class BodyUnreadableError(Exception):
    """The body is packed in a way that is not understood, or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a server answered with; ``url`` is where it came from after redirects.

    ``kind`` is the media type in lower case, ``charset`` what the header says, often nothing.
    """

    url: str
    kind: str
    body: bytes
    charset: str | None = None

    def text(self) -> str:
        """Return the body as text, by its charset or UTF-8; what does not fit is replaced."""
        try:
            return self.body.decode(self.charset or "utf-8", errors="replace")
        except (LookupError, ValueError):  # some charsets of Python's own replace nothing
            return self.body.decode(errors="replace")


async def read_body(response: ClientResponse, *, most_bytes: int) -> bytes:
    """Return the unpacked body of a response whose session does not unpack by itself.

    Never holds more than ``most_bytes`` of it and one packed piece. Raises ``BodyTooLargeError``
    and ``BodyUnreadableError``.
    """
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in _PACKED | {"", "identity"}:
        raise BodyUnreadableError
    if response.content_length is not None and response.content_length > most_bytes:
        raise BodyTooLargeError
    body = bytearray()
    unpacking = _Unpacking() if coding in _PACKED else None
    async for piece in response.content.iter_chunked(_CHUNK):
        room = most_bytes - len(body) + 1
        body += piece if unpacking is None else unpacking.feed(piece, room)
        if len(body) > most_bytes:
            raise BodyTooLargeError
    return bytes(body)


class _Unpacking:
    """Unpacks gzip, zlib and bare deflate, which servers all call by each other's names."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None

    def feed(self, piece: bytes, most: int) -> bytes:
        """Return what ``piece`` unpacks to, at most ``most`` bytes of it."""
        out = bytearray()
        while piece and len(out) < most:
            if self._stream is None:
                self._stream = zlib.decompressobj(_wbits(piece))
            try:
                out += self._stream.decompress(piece, most - len(out))
            except zlib.error as error:
                raise BodyUnreadableError from error
            if not self._stream.eof:
                break
            piece, self._stream = self._stream.unused_data, None
        return bytes(out)


def _wbits(start: bytes) -> int:
    gzipped = start[0] == 0x1F
    zlibbed = start[0] & 0x0F == 8 and (len(start) < 2 or int.from_bytes(start[:2]) % 31 == 0)
    return _ANY_HEADER if gzipped or zlibbed else _NO_HEADER
