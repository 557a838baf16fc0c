"""One speaker's packets become sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from frontends.discord.voice.jitter import Arrived, Jitter, Next
from frontends.discord.voice.opus_ears import RATE, OpusEars
from services.domain.audio import AudioFrame

MOST_GUESSED: Final = 5
"""Lost frames in a row that are filled with a guess; what is longer becomes a gap."""

_FRAME_TICKS: Final = 960
_TICKS: Final = 1 << 32
_PIECE_BYTES: Final = RATE // 10 * 2
"""No piece of sound is longer than 100 ms."""


@dataclass(slots=True)
class StreamCounts:
    """Frames, by what became of them."""

    heard: int = 0
    guessed: int = 0
    lost: int = 0
    broken: int = 0


class Stream:
    """Orders, repairs and decodes what one person sends under one SSRC; for one thread at a time.

    Raises:
        AcoreError: there is no Opus library.
    """

    def __init__(self, user_id: int, counts: StreamCounts) -> None:
        self.user_id = user_id
        self.failures = 0
        self._jitter = Jitter()
        self._ears = OpusEars()
        self._counts = counts
        self._timestamp: int | None = None
        self._at = 0.0

    @property
    def due(self) -> float | None:
        """When ``release`` will have something."""
        return self._jitter.due

    def wants(self, sequence: int) -> bool:
        """Say whether a packet is worth opening: it is neither late nor here already."""
        return self._jitter.wants(sequence)

    def push(self, arrived: Arrived) -> Iterable[AudioFrame]:
        """Take an opened frame; give the sound that follows, 16 kHz mono, to be taken at once."""
        if self._jitter.passes(arrived.sequence):
            return self._heard(arrived)
        return self._sound(self._jitter.push(arrived))

    def release(self, now: float) -> Iterable[AudioFrame]:
        """Give the sound of what has waited long enough for lost frames before it."""
        return self._sound(self._jitter.release(now))

    def _sound(self, ready: list[Next]) -> Iterator[AudioFrame]:
        for each in ready:
            self._at = max(self._at, each.arrived.at)
            if each.missing:
                yield from self._filling(each)
            yield from self._heard(each.arrived)

    def _heard(self, arrived: Arrived) -> Iterable[AudioFrame]:
        """Return the sound of the frame whose turn it is."""
        self._at = max(self._at, arrived.at)
        self._timestamp = arrived.timestamp
        pcm = self._ears.hear(arrived.frame)
        if pcm is None:
            self._counts.broken += 1
            return ()
        self._counts.heard += 1
        return self._pieces(pcm)

    def _filling(self, following: Next) -> Iterator[AudioFrame]:
        """Yield guesses for what was lost; a pause that was none of it stays a pause."""
        self._counts.lost += following.missing
        count = min(following.missing, MOST_GUESSED, self._silent_before(following))
        for left in reversed(range(count)):
            pcm = self._ears.guess(None if left else following.arrived.frame)
            if pcm is not None:
                self._counts.guessed += 1
                yield from self._pieces(pcm)

    def _silent_before(self, following: Next) -> int:
        """Return how many frames fit between the last one and this one, by their timestamps."""
        if self._timestamp is None:
            return 0
        ticks = (following.arrived.timestamp - self._timestamp) % _TICKS
        return max(0, ticks // _FRAME_TICKS - 1)

    def _pieces(self, pcm: bytes) -> Iterable[AudioFrame]:
        if len(pcm) <= _PIECE_BYTES:
            return (self._piece(pcm),)
        starts = range(0, len(pcm), _PIECE_BYTES)
        return [self._piece(pcm[start : start + _PIECE_BYTES]) for start in starts]

    def _piece(self, pcm: bytes) -> AudioFrame:
        return AudioFrame(pcm=pcm, rate=RATE, channels=1, started_at=self._at)
