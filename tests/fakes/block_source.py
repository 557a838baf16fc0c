"""A source of blocks that is filled from outside, as a mixer would be."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from services.voice.audio_io import BLOCK_BYTES
from tests.discord_standin.voice.sound import tone

SILENT_BLOCK = bytes(BLOCK_BYTES)


def blocks_of_tone(count: int, *, frequency: float = 440.0) -> list[bytes]:
    """Return that many blocks of a sine."""
    pcm = tone(frequency, count / 50)
    return [pcm[at : at + BLOCK_BYTES] for at in range(0, len(pcm), BLOCK_BYTES)]


class BlockQueue:
    """Gives each block once, then ``None``.

    ``reads`` counts how often it was read, ``read_at`` says when, in seconds of
    ``time.monotonic``, each of the latest sounding blocks was.
    """

    def __init__(self, blocks: Iterable[bytes] = ()) -> None:
        self.reads = 0
        self.read_at: deque[float] = deque(maxlen=10_000)
        self._blocks = deque(blocks)

    def put(self, blocks: Iterable[bytes]) -> None:
        """Add blocks to the end."""
        self._blocks.extend(blocks)

    def clear(self) -> None:
        """Drop what was not read yet."""
        self._blocks.clear()

    def __len__(self) -> int:
        return len(self._blocks)

    def read(self) -> bytes | None:
        """Return the next block; what a sender is given."""
        self.reads += 1
        if not self._blocks:
            return None
        self.read_at.append(time.monotonic())
        return self._blocks.popleft()
