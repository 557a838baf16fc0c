"""RTP packets as Discord's voice servers send them, up to the encrypted Opus frame within.

https://www.rfc-editor.org/rfc/rfc3550#section-5.1
https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from nacl._sodium import ffi, lib  # type: ignore[import-not-found]

MODE: Final = "aead_xchacha20_poly1305_rtpsize"
"""The one way of sealing every voice server has to offer.

The other, ``aead_aes256_gcm_rtpsize``, would need a second library of ciphers and save little.
"""
SILENCE: Final = b"\xf8\xff\xfe"
"""The Opus frame of silence; five of them end a stretch of speech, often not encrypted."""
KEY_BYTES: Final = 32
LARGEST: Final = 2_048
"""Bytes; no packet of sound has as many."""

_FIXED: Final = struct.Struct(">BBHII")
_WORD: Final = 4
_COUNTER: Final = 4
_TAG: Final = 16
_SHORTEST: Final = _FIXED.size + _TAG + _COUNTER
_PADDED, _EXTENDED, _SOURCES, _MARKER = 0x20, 0x10, 0x0F, 0x7F
_VERSION: Final = 2
_OPUS: Final = 0x78
_NONCE_FILL: Final = bytes(20)

_DAVE_MARK: Final = b"\xfa\xfa"
_DAVE_LEAST: Final = 8 + 1 + 1 + len(_DAVE_MARK)
"""Tag, shortest nonce, size byte and mark."""


class Header(NamedTuple):
    """What a packet says in the clear; the first ``size`` bytes of it."""

    sequence: int
    timestamp: int
    ssrc: int
    size: int
    extension_bytes: int
    padded: bool


def read_header(packet: bytes) -> Header | None:
    """Return a packet's header, or ``None`` where the bytes are no sound."""
    if len(packet) < _SHORTEST:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    if first >> 6 != _VERSION or second & _MARKER != _OPUS:
        return None
    size = _FIXED.size + _WORD * (first & _SOURCES)
    extension = 0
    if first & _EXTENDED:
        extension = _WORD * int.from_bytes(packet[size + 2 : size + _WORD])
        size += _WORD
    if len(packet) < size + _TAG + _COUNTER:
        return None
    return Header(sequence, timestamp, ssrc, size, extension, bool(first & _PADDED))


class Unsealer:
    """Opens packets; for one thread at a time, since it uses the same memory for each.

    It calls the library beneath PyNaCl, whose own function spends twice the time of opening a
    packet on checking its arguments.
    """

    def __init__(self) -> None:
        self._plain = ffi.new("unsigned char[]", LARGEST)
        self._bytes = ffi.buffer(self._plain)

    def unseal(self, packet: bytes, header: Header, key: bytes) -> bytes | None:
        """Return what a packet carries, or ``None`` where it was not sealed with ``key``.

        The extension is at the front of what was sealed, and the padding at its end; neither is
        part of the frame. A packet of nothing else gives an empty one.
        """
        size = header.size
        sealed = len(packet) - size - _COUNTER
        if not _TAG <= sealed <= LARGEST or len(key) != KEY_BYTES:
            return None
        nonce = packet[-_COUNTER:] + _NONCE_FILL
        if lib.crypto_aead_xchacha20poly1305_ietf_decrypt(
            self._plain, ffi.NULL, ffi.NULL, packet[size:], sealed, packet, size, nonce, key
        ):
            return None
        end = sealed - _TAG
        if header.padded and end:
            end -= self._plain[end - 1]
        if end < header.extension_bytes:
            return None
        plain: bytes = self._bytes[header.extension_bytes : end]
        return plain


def is_end_to_end(frame: bytes) -> bool:
    """Say whether a frame looks encrypted end to end: one chance in millions that Opus does.

    https://daveprotocol.com/#protocol-frame-payload-format
    """
    size = len(frame)
    return size > _DAVE_LEAST and frame[-2:] == _DAVE_MARK and _DAVE_LEAST <= frame[-3] < size
