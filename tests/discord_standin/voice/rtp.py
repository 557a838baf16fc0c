"""RTP packets as Discord uses them, before the payload is encrypted and after.

https://www.rfc-editor.org/rfc/rfc3550#section-5.1
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

SILENCE: Final = b"\xf8\xff\xfe"
"""The Opus frame of silence; five of them end a stretch of speech."""
SAMPLES_PER_FRAME: Final = 960
"""Twenty milliseconds at 48 kHz."""
FRAME_SECONDS: Final = 0.02

_VERSION: Final = 0x80
_PADDED: Final = 0x20
_EXTENDED: Final = 0x10
_OPUS: Final = 0x78
_FIXED: Final = 12
_WORD: Final = 4
_ONE_BYTE_HEADERS: Final = 0xBEDE
_RTCP: Final = range(200, 205)


class NotRtp(ValueError):  # noqa: N818
    """The bytes are no RTP packet of Opus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is sent in the clear: with the ``rtpsize`` modes, the extension's first word too."""

    sequence: int
    timestamp: int
    ssrc: int
    extension_words: int | None = None
    padded: bool = False

    def pack(self) -> bytes:
        """Return it as it is sent."""
        first = _VERSION | (_PADDED if self.padded else 0)
        if self.extension_words is None:
            return struct.pack(">BBHII", first, _OPUS, self.sequence, self.timestamp, self.ssrc)
        return struct.pack(
            ">BBHIIHH",
            first | _EXTENDED,
            _OPUS,
            self.sequence,
            self.timestamp,
            self.ssrc,
            _ONE_BYTE_HEADERS,
            self.extension_words,
        )

    @classmethod
    def parse(cls, packet: bytes) -> tuple[Header, int]:
        """Return a packet's header and how long it is.

        Raises:
            NotRtp: it is something else, or too short.
        """
        if len(packet) < _FIXED or packet[0] >> 6 != 2 or packet[1] in _RTCP:
            raise NotRtp(packet[:_FIXED].hex())
        size = _FIXED + _WORD * (packet[0] & 0x0F)
        words = None
        if packet[0] & _EXTENDED:
            if len(packet) < size + _WORD:
                raise NotRtp("the extension is cut off")
            words = int.from_bytes(packet[size + 2 : size + _WORD])
            size += _WORD
        sequence, timestamp, ssrc = struct.unpack_from(">HII", packet, 2)
        header = cls(
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            extension_words=words,
            padded=bool(packet[0] & _PADDED),
        )
        return header, size


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A packet whose transport encryption is off; ``frame`` may still be encrypted end to end.

    ``at_us`` is when it arrived, in microseconds of ``time.monotonic``; ``nonce`` what its sender
    counted.
    """

    header: Header
    frame: bytes
    at_us: int = 0
    nonce: int = 0
    extension: bytes = field(default=b"", repr=False)


def opened(header: Header, plain: bytes, *, at_us: int, nonce: int) -> Packet:
    """Take the extension off the front of a decrypted payload, then the padding off its end.

    Raises:
        NotRtp: either is longer than the payload.
    """
    start = _WORD * (header.extension_words or 0)
    end = len(plain)
    if header.padded and plain:
        end -= plain[-1]
    if start > end:
        raise NotRtp("extension or padding exceed the payload")
    return Packet(
        header=header,
        frame=plain[start:end],
        extension=plain[:start],
        at_us=at_us,
        nonce=nonce,
    )


def padding(size: int) -> bytes:
    """Return padding of ``size`` bytes, the last of which says how many there are."""
    return bytes(size - 1) + bytes([size]) if size else b""
