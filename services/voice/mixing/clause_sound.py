"""The sound of one clause: written at one end, read at the other, and perhaps read again."""

from __future__ import annotations

import numpy as np

from services.voice.audio_io import BLOCK_RATE
from services.voice.pcm import Samples

MOST_REPEATED_SECONDS = 60.0
"""How far back at most a clause that is cut begins again."""

_PIECE = BLOCK_RATE // 10


class ClauseSound:
    """Mono samples at the rate of blocks; all counts are of samples.

    What was heard more than 60 seconds ago is let go, so that an endless clause does not grow.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.length = 0
        self.ended = False
        self.started = False
        self._heard = 0
        self._at = 0
        self._pieces: list[Samples] = []
        self._begins = 0
        self._piece = 0
        self._offset = 0

    @property
    def heard(self) -> int:
        """How much was read, the farthest it ever came."""
        return max(self._heard, self._at)

    @property
    def left(self) -> int:
        """How much can be read now."""
        return self.length - self._at

    @property
    def finished(self) -> bool:
        """Whether all of it was read and no more will come."""
        return self.ended and self._at == self.length

    def write(self, samples: Samples) -> None:
        """Add to its end."""
        if not len(samples):
            return
        if self._piece < len(self._pieces) and len(self._pieces[-1]) < _PIECE:
            self._pieces[-1] = np.concatenate([self._pieces[-1], samples])
        else:
            self._pieces.append(samples)
        self.length += len(samples)

    def read(self, into: Samples) -> int:
        """Fill ``into`` from its beginning as far as there is sound; return how far."""
        count = self.peek(into)
        self._at += count
        self._offset += count
        while self._piece < len(self._pieces) and self._offset >= len(self._pieces[self._piece]):
            self._offset -= len(self._pieces[self._piece])
            self._piece += 1
        self._let_go()
        return count

    def peek(self, into: Samples) -> int:
        """Do as ``read`` does, but leave all in place."""
        filled, piece, offset = 0, self._piece, self._offset
        while filled < len(into) and piece < len(self._pieces):
            part = self._pieces[piece][offset : offset + len(into) - filled]
            into[filled : filled + len(part)] = part
            filled += len(part)
            piece, offset = piece + 1, 0
        return filled

    def rewind(self) -> None:
        """Begin again."""
        self._heard = self.heard
        self._at = self._begins
        self._piece = self._offset = 0

    def _let_go(self) -> None:
        most = int(MOST_REPEATED_SECONDS * BLOCK_RATE)
        while self._piece and self._at - self._begins - len(self._pieces[0]) >= most:
            self._begins += len(self._pieces.pop(0))
            self._piece -= 1
