"""The bot's speech in a call: clause after clause, softer, held, resumed or given up."""

from __future__ import annotations

import threading

import numpy as np

from services.domain.audio import AudioFrame
from services.voice.audio_io import BLOCK_RATE
from services.voice.mixing.clause_queue import ClauseQueue
from services.voice.mixing.edges import FADE_SECONDS, Edges
from services.voice.mixing.heard import Heard
from services.voice.mixing.mixer_events import MixerEvent, SpeechBegan, SpeechDried
from services.voice.mixing.ramps import BLOCK, DUCKED, Ramp
from services.voice.mixing.resampling import BlockRate
from services.voice.pcm import Samples

MOST_PENDING_SECONDS = 120.0

# A change takes hold with the next block, so up to 20 ms go by before each of these.
_DUCKING_SECONDS = 0.06
_RESTORING_SECONDS = 0.18


class SpeechTrack:
    """One answer at a time; ``read`` is the mixer's, everything else one other thread's.

    Whatever is called shows in the next block. Silence and sound turn into each other in 5 ms.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._queue = ClauseQueue()
        self._rate = BlockRate(channels=1)
        self._edges = Edges(channels=1)
        self._gain = Ramp()
        self._held = False
        self._cleared: Heard | None = None
        self._lost = 0.0

    @property
    def heard(self) -> Heard:
        """What was heard since the last ``reset``."""
        with self._lock:
            return self._queue.heard if self._cleared is None else self._cleared

    @property
    def pending(self) -> float:
        """Seconds written and still to be read, held ones and those to be repeated included."""
        with self._lock:
            return self._queue.left / BLOCK_RATE

    @property
    def lost(self) -> float:
        """Seconds since the last ``reset`` that were dropped as too much was pending."""
        return self._lost

    def begin(self, clause: int, /) -> None:
        """Open a clause, and end the one before; nothing happens between ``clear`` and ``reset``.

        Clauses count from 1. A number left out counts as heard as soon as a later one is begun.
        ``ValueError`` when it is not higher than the last.
        """
        self.end()
        with self._lock:
            if self._cleared is None:
                self._queue.begin(clause)

    def write(self, frame: AudioFrame, /) -> None:
        """Add sound to the open clause; dropped when there is none.

        What would make more than 120 s pending is dropped as well, and counted in ``lost``.
        """
        with self._lock:
            if not self._queue.open:
                return
            if self._queue.left / BLOCK_RATE + frame.seconds > MOST_PENDING_SECONDS:
                self._lost += frame.seconds
                return
        samples = self._rate.feed(frame)[:, 0]
        with self._lock:
            self._queue.write(samples)

    def end(self) -> None:
        """Take the open clause for complete."""
        rest = self._rate.flush()[:, 0]
        with self._lock:
            self._queue.write(rest)
            self._queue.end()

    def duck(self) -> None:
        """Get 12 dB softer within 80 ms."""
        with self._lock:
            self._gain.towards(DUCKED, seconds=_DUCKING_SECONDS)

    def restore(self) -> None:
        """Get as loud as before within 200 ms."""
        with self._lock:
            self._gain.towards(1.0, seconds=_RESTORING_SECONDS)

    def hold(self, *, fade: float = FADE_SECONDS) -> None:
        """Fall silent and keep everything that was not heard; more may be written meanwhile."""
        with self._lock:
            self._cut(fade)
            self._held = True

    def resume(self) -> None:
        """Go on from the beginning of the clause that ``hold`` cut, or at most 60 s back in it."""
        with self._lock:
            if self._held:
                self._held = False
                self._queue.rewind()

    def clear(self, *, fade: float = FADE_SECONDS) -> Heard:
        """Fall silent and give up the rest; nothing more is taken until ``reset``.

        Returns what was heard since the last ``reset``, which no longer changes.
        """
        with self._lock:
            if self._cleared is None:
                self._cleared = self._queue.heard
            self._cut(fade)
            self._queue = ClauseQueue()
            self._held = False
            heard = self._cleared
        self._rate.flush()
        return heard

    def reset(self) -> None:
        """Begin a new answer, at full loudness: gives up what is left, and counts from 1 again."""
        self.clear()
        with self._lock:
            self._cleared = None
            self._gain = Ramp()
            self._lost = 0.0

    def read(self, *, at: float, events: list[MixerEvent]) -> Samples | None:
        """Return the next block, ``(BLOCK, 1)``, and add what happened; the lock is held."""
        block = np.zeros((BLOCK, 1), np.float32)
        told: list[MixerEvent] = []
        filled = 0 if self._held else self._queue.read(block[:, 0], at=at, events=told)
        flowing = self._edges.flowing
        if filled and not flowing:
            events.append(SpeechBegan(at=at))
        events += told
        if (filled or flowing) and filled < BLOCK:
            events.append(SpeechDried(at=at))
        if not filled:
            self._gain.settle()
            if not flowing and not self._edges.fading:
                return None
        self._gain.apply(block)
        self._edges.shape(block, filled)
        return block

    def _cut(self, fade: float) -> None:
        if self._edges.flowing:
            rest = self._queue.upcoming(int(fade * BLOCK_RATE))[:, None]
            self._edges.cut(rest * np.float32(self._gain.gain), fade=fade)
