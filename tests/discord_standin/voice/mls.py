"""The voice server's part in MLS: it proposes who joins and leaves, and reads commits.

Ciphersuite 2, DHKEMP256_AES128GCM_SHA256_P256, as DAVE prescribes.
https://www.rfc-editor.org/rfc/rfc9420 https://daveprotocol.com
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.discord_standin.voice.tls_codec import Malformed, Reader, vector

_VERSION: Final = (1).to_bytes(2)
_PUBLIC_MESSAGE: Final = (1).to_bytes(2)
_BASIC_CREDENTIAL: Final = (1).to_bytes(2)
_MEMBER, _EXTERNAL = 1, 2
_PROPOSAL, _COMMIT = 2, 3
_ADD, _REMOVE = (1).to_bytes(2), (3).to_bytes(2)
_BY_REFERENCE: Final = 2
_FROM_KEY_PACKAGE, _FROM_COMMIT = 1, 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """A signed proposal; ``ref`` is what commits name it by."""

    message: bytes
    ref: bytes


class ExternalSender:
    """A voice server's signing key, and the proposals it signs."""

    def __init__(self, identity: bytes = b"standin") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._identity = identity

    @property
    def package(self) -> bytes:
        """Who may propose from outside of the group, as members are told."""
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return vector(point) + _BASIC_CREDENTIAL + vector(self._identity)

    def add(self, group_id: int, epoch: int, key_package: bytes) -> Proposal:
        """Propose that the owner of a key package joins."""
        return self._sign(group_id, epoch, _ADD + key_package)

    def remove(self, group_id: int, epoch: int, leaf: int) -> Proposal:
        """Propose that the member at a leaf goes."""
        return self._sign(group_id, epoch, _REMOVE + leaf.to_bytes(4))

    def _sign(self, group_id: int, epoch: int, proposal: bytes) -> Proposal:
        content = b"".join(
            (
                vector(group_id.to_bytes(8)),
                epoch.to_bytes(8),
                bytes([_EXTERNAL]),
                (0).to_bytes(4),
                vector(b""),
                bytes([_PROPOSAL]),
                proposal,
            )
        )
        signed = vector(b"MLS 1.0 FramedContentTBS") + vector(_VERSION + _PUBLIC_MESSAGE + content)
        signature = vector(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        authenticated = _PUBLIC_MESSAGE + content + signature
        reference = vector(b"MLS 1.0 Proposal Reference") + vector(authenticated)
        return Proposal(message=_VERSION + authenticated, ref=hashlib.sha256(reference).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What the server needs to know of a commit; ``message`` is the whole of it."""

    group_id: int
    epoch: int
    leaf: int
    refs: tuple[bytes, ...]
    message: bytes


def split_commit(payload: bytes) -> tuple[Commit, bytes]:
    """Return the commit at the front of a payload, and the welcome that may follow it.

    Raises:
        Malformed: there is no commit by a member that names proposals by reference.
    """
    read = Reader(payload)
    if read.take(4) != _VERSION + _PUBLIC_MESSAGE:
        raise Malformed("no public message")
    group_id = int.from_bytes(read.vector())
    epoch = read.number(8)
    if read.number(1) != _MEMBER:
        raise Malformed("not sent by a member")
    leaf = read.number(4)
    read.vector()
    if read.number(1) != _COMMIT:
        raise Malformed("no commit")
    refs = _references(read.vector())
    if read.number(1):
        _skip_update_path(read)
    for _ in ("signature", "confirmation tag", "membership tag"):
        read.vector()
    commit = Commit(
        group_id=group_id, epoch=epoch, leaf=leaf, refs=refs, message=payload[: read.at]
    )
    return commit, payload[read.at :]


def _references(data: bytes) -> tuple[bytes, ...]:
    read = Reader(data)
    refs = []
    while not read.done:
        if read.number(1) != _BY_REFERENCE:
            raise Malformed("a proposal by value")
        refs.append(read.vector())
    return tuple(refs)


def _skip_update_path(read: Reader) -> None:
    for _ in ("encryption key", "signature key"):
        read.vector()
    if read.take(2) != _BASIC_CREDENTIAL:
        raise Malformed("an unknown credential")
    for _ in ("identity", "versions", "suites", "extensions", "proposals", "credentials"):
        read.vector()
    source = read.number(1)
    if source == _FROM_KEY_PACKAGE:
        read.take(16)
    elif source == _FROM_COMMIT:
        read.vector()
    for _ in ("extensions", "signature", "path nodes"):
        read.vector()
