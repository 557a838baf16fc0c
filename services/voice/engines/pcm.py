"""Sound on its way out of an engine: silence cut, pitch moved, frames made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from services.voice.pcm import Resampler, Samples, to_pcm

_FRAME_SECONDS = 0.1
_QUIET = 10 ** (-45 / 20)
_WINDOW_SECONDS = 0.005
_KEPT_SECONDS = 0.02
_MOST_SILENCE_SECONDS = 2.0


def frames_of(samples: Samples, rate: int) -> Iterator[bytes]:
    """Yield the samples as PCM of at most 100 ms."""
    size = max(1, int(rate * _FRAME_SECONDS))
    for start in range(0, len(samples), size):
        yield to_pcm(samples[start : start + size])


class LeadingSilence:
    """Leaves out what is quieter than -45 dB before the speech, at most two seconds of it.

    The last 20 ms before the first sound stay, so that soft consonants keep their onset.
    """

    def __init__(self, rate: int) -> None:
        self._window = max(1, int(rate * _WINDOW_SECONDS))
        self._kept = int(rate * _KEPT_SECONDS)
        self._left = int(rate * _MOST_SILENCE_SECONDS)
        self._held = np.zeros(0, np.float32)
        self._begun = False

    def feed(self, samples: Samples) -> Samples:
        """Return what of the samples is to be heard."""
        if self._begun:
            return samples
        self._held = np.concatenate([self._held, samples])
        whole = len(self._held) // self._window * self._window
        peaks = np.abs(self._held[:whole]).reshape(-1, self._window).max(axis=1, initial=0.0)
        loud = np.flatnonzero(peaks > _QUIET)
        if len(loud):
            return self._begin(int(loud[0]) * self._window)
        gone = max(0, whole - self._kept - self._window)
        self._held, self._left = self._held[gone:], self._left - gone
        return self._begin(len(self._held)) if self._left <= 0 else self._held[:0]

    def _begin(self, at: int) -> Samples:
        self._begun = True
        heard, self._held = self._held[max(0, at - self._kept) :], self._held[:0]
        return heard


class SpeechShaper:
    """Makes an engine's raw samples fit to be heard: silence cut, pitch times ``pitch``.

    Raising the pitch shortens the sound by the same factor, so the engine has to speak slower by
    it; the voice gets smaller or bigger with it, which is fine for a few semitones.
    """

    def __init__(self, rate: int, *, pitch: float = 1.0) -> None:
        self._rate = rate
        self._silence = LeadingSilence(rate)
        self._resampler = Resampler(pitch) if abs(pitch - 1.0) > 1e-3 else None

    def feed(self, samples: Samples) -> Iterator[bytes]:
        """Yield what can be heard of them, as PCM of at most 100 ms."""
        heard = self._silence.feed(samples)
        if self._resampler is not None and len(heard):
            heard = self._resampler.feed(heard)
        yield from frames_of(heard, self._rate)

    def flush(self) -> Iterator[bytes]:
        """Yield the rest."""
        if self._resampler is not None:
            yield from frames_of(self._resampler.flush(), self._rate)
