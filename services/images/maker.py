"""What makes pictures, whoever does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """What to make: ``width`` and ``height`` in pixels; ``start`` is a picture to go on from."""

    prompt: str
    negative: str
    width: int
    height: int
    steps: int
    seed: int
    start: bytes | None = None


class ImageMaker(Protocol):
    """A server that makes pictures."""

    async def make(self, request: PictureRequest, /) -> bytes:
        """Return the file of one picture as the server gave it, unchecked.

        Raises ``ProviderError``, and ``InvalidRequest`` for what the server cannot do. A cancelled
        call gives up at once; the server may go on by itself.
        """
        ...
