"""Transport encryption: the two AEAD modes, and the watch over their nonces.

https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import nacl.exceptions
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)

AES_GCM: Final = "aead_aes256_gcm_rtpsize"
XCHACHA: Final = "aead_xchacha20_poly1305_rtpsize"
_COUNTER_BYTES: Final = 4


class Unreadable(ValueError):  # noqa: N818
    """The packet was not sealed with this key, or was changed."""


class Cipher(Protocol):
    """Seals and opens with one key; ``nonce`` is the counter of four bytes, not yet filled up."""

    def seal(self, plain: bytes, header: bytes, nonce: bytes) -> bytes:
        """Return the sealed payload with its tag."""
        ...

    def open(self, sealed: bytes, header: bytes, nonce: bytes) -> bytes:
        """Return the payload.

        Raises:
            Unreadable: the tag does not fit.
        """
        ...


class AesGcm:
    """AES-256-GCM with the counter at the front of a nonce of twelve bytes."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, header: bytes, nonce: bytes) -> bytes:
        return self._aead.encrypt(nonce.ljust(12, b"\0"), plain, header)

    def open(self, sealed: bytes, header: bytes, nonce: bytes) -> bytes:
        try:
            return self._aead.decrypt(nonce.ljust(12, b"\0"), sealed, header)
        except InvalidTag as error:
            raise Unreadable("wrong tag") from error


class XChaCha:
    """XChaCha20-Poly1305 with the counter at the front of a nonce of 24 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plain: bytes, header: bytes, nonce: bytes) -> bytes:
        return crypto_aead_xchacha20poly1305_ietf_encrypt(
            plain, header, nonce.ljust(24, b"\0"), self._key
        )

    def open(self, sealed: bytes, header: bytes, nonce: bytes) -> bytes:
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                sealed, header, nonce.ljust(24, b"\0"), self._key
            )
        except nacl.exceptions.CryptoError as error:
            raise Unreadable("wrong tag") from error


CIPHERS: Final[dict[str, Callable[[bytes], Cipher]]] = {AES_GCM: AesGcm, XCHACHA: XChaCha}
"""What makes the cipher of a mode; in the order in which a server offers them."""


class NonceReused(AssertionError):  # noqa: N818
    """A client sealed two different packets with one key and nonce."""


class Sealing:
    """One client's key: what is sealed to it, and what it sealed.

    Args:
        mode: One of ``CIPHERS``.
        key: 32 bytes.
        first: The first counter of this side, far from where clients begin.
    """

    def __init__(self, mode: str, key: bytes, *, first: int = 1 << 31) -> None:
        self.mode = mode
        self.key = key
        self._cipher = CIPHERS[mode](key)
        self._next = first
        self._seen: dict[int, int] = {}

    def seal(self, header: bytes, plain: bytes) -> bytes:
        """Return a whole packet, ready to be sent to the client."""
        nonce = self._next.to_bytes(_COUNTER_BYTES)
        self._next = (self._next + 1) % (1 << 32)
        return header + self._cipher.seal(plain, header, nonce) + nonce

    def open(self, packet: bytes, header_size: int) -> tuple[bytes, int]:
        """Return the payload of a client's packet, and its counter.

        Raises:
            Unreadable: it was sealed with another key, or changed.
            NonceReused: another packet came with this counter before.
        """
        nonce = packet[-_COUNTER_BYTES:]
        header, sealed = packet[:header_size], packet[header_size:-_COUNTER_BYTES]
        plain = self._cipher.open(sealed, header, nonce)
        counter = int.from_bytes(nonce)
        if self._seen.setdefault(counter, hash(packet)) != hash(packet):
            raise NonceReused(f"nonce {counter} was used twice in mode {self.mode}")
        return plain, counter
