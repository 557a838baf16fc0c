"""Reading and writing in TLS presentation language, with MLS's variable-size lengths.

https://www.rfc-editor.org/rfc/rfc9420#section-2.1.2
"""

from __future__ import annotations

from typing import Final

_SIZES: Final = (1, 2, 4)


class Malformed(ValueError):  # noqa: N818
    """The bytes are not what they should be."""


def vector(data: bytes) -> bytes:
    """Return ``data`` behind its length."""
    for exponent, size in enumerate(_SIZES):
        bits = 8 * size - 2
        if len(data) < 1 << bits:
            return (exponent << bits | len(data)).to_bytes(size) + data
    raise Malformed("too long for a vector")


class Reader:
    """Takes values off the front of ``data``; ``at`` is how far it is."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.data)

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            Malformed: there are fewer.
        """
        if self.at + size > len(self.data):
            raise Malformed("the message ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """Return an unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size))

    def vector(self) -> bytes:
        """Return what stands behind a length."""
        exponent = self.number(1) >> 6
        self.at -= 1
        if exponent >= len(_SIZES):
            raise Malformed("a length of eight bytes")
        size = _SIZES[exponent]
        return self.take(self.number(size) & ((1 << (8 * size - 2)) - 1))
