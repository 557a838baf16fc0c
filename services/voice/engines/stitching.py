"""A stream cut into pieces for a converter, and what comes back joined without a click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.voice.pcm import Samples

_CONTEXT_SECONDS = 0.1
_FADE_SECONDS = 0.04
_SEARCH_SECONDS = 0.008
_FIRST_SECONDS = 0.5
_LATER_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some sound; its first ``context`` samples were in the piece before."""

    samples: Samples
    context: int
    last: bool


class Cutter:
    """Cuts a stream at ``rate`` into a first piece of 0.5 s and others of 1 s, 0.1 s overlapping.

    The first is short because nothing is heard before it is converted.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._context = int(rate * _CONTEXT_SECONDS)
        self._seconds = _FIRST_SECONDS
        self._past = np.zeros(0, np.float32)
        self._held = np.zeros(0, np.float32)

    def add(self, samples: Samples) -> None:
        """Take what came."""
        self._held = np.concatenate([self._held, samples])

    def take(self, *, last: bool = False) -> Piece | None:
        """Return the next piece if there is enough for one; with ``last`` all that is left."""
        size = len(self._held) if last else int(self._rate * self._seconds)
        if not size or len(self._held) < size:
            return None
        block, self._held = self._held[:size], self._held[size:]
        piece = Piece(
            samples=np.concatenate([self._past, block]), context=len(self._past), last=last
        )
        self._past = piece.samples[-self._context :]
        self._seconds = _LATER_SECONDS
        return piece


class Joiner:
    """Joins converted pieces at ``rate`` with a crossfade where they agree best.

    The end of each piece is held back until the next one is there to fade into.
    """

    def __init__(self, rate: int) -> None:
        self._fade = int(rate * _FADE_SECONDS)
        self._search = int(rate * _SEARCH_SECONDS)
        self._tail = np.zeros(0, np.float32)

    def add(self, samples: Samples, *, context: int, last: bool) -> Samples:
        """Return what can be heard now; the first ``context`` samples were in the piece before."""
        fade = min(self._fade, len(self._tail), context)
        begin = context - fade
        if fade:
            begin -= self._offset(samples, begin, fade)
        heard = samples[begin:].copy()
        if fade:
            ramp = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
            heard[:fade] = self._tail[-fade:] * (1 - ramp) + heard[:fade] * ramp
            heard = np.concatenate([self._tail[:-fade], heard])
        else:
            heard = np.concatenate([self._tail, heard])
        kept = 0 if last else min(self._fade, len(heard))
        self._tail = heard[len(heard) - kept :]
        return heard[: len(heard) - kept]

    def flush(self) -> Samples:
        """Return what was held back."""
        heard, self._tail = self._tail, self._tail[:0]
        return heard

    def _offset(self, samples: Samples, begin: int, fade: int) -> int:
        """Return how much earlier the new piece is most like the old one's end."""
        reach = min(self._search, begin)
        around = samples[begin - reach : begin + fade]
        if len(around) < fade + reach or not reach:
            return 0
        alike = np.correlate(around, self._tail[-fade:], "valid")
        power = np.convolve(around**2, np.ones(fade, np.float32), "valid")
        return reach - int(np.argmax(alike / np.sqrt(power + 1e-6)))
