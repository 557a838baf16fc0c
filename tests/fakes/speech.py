"""Speech made of tones, one a word, and engines that understand it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from services.domain.audio import AudioClip
from services.voice.listening.samples import SAMPLE_RATE, Samples, to_samples
from services.voice.recognition import Transcript
from tests.fakes.clock import ManualClock

VOCABULARY = (
    *("apple", "boat", "cloud", "drum", "engine", "forest", "garden", "house", "island"),
    *("jacket", "kitten", "lemon", "mirror", "needle", "ocean", "pencil", "river", "stone"),
)

_LOWEST = 300
_STEP = 150
_PIECE = 320
_LEAST_PIECES = 3
_LOUD = 0.05


def spoken(*words: str, seconds: float = 0.24) -> bytes:
    """Return words one after the other, each a tone of its own."""
    return b"".join(tone(_LOWEST + _STEP * VOCABULARY.index(word), seconds) for word in words)


def tone(hertz: float, seconds: float) -> bytes:
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (np.sin(2 * np.pi * hertz * moments) * 10_000).astype("<i2").tobytes()


def hush(seconds: float, *, seed: int = 1) -> bytes:
    """Return the faint noise of an open microphone."""
    noise = np.random.default_rng(seed).integers(-12, 13, round(seconds * SAMPLE_RATE))
    return noise.astype("<i2").tobytes()


def understood(pcm: bytes) -> str:
    """Return the words whose tones are heard for at least 60 ms."""
    samples = to_samples(pcm)
    words: list[str] = []
    last, run = -1, 0
    for start in range(0, len(samples) - _PIECE + 1, _PIECE):
        word = _word_of(samples[start : start + _PIECE])
        run = run + 1 if word == last else 1
        last = word
        if word >= 0 and run == _LEAST_PIECES:
            words.append(VOCABULARY[word])
    return " ".join(words)


def _word_of(piece: Samples) -> int:
    if float(np.sqrt(np.mean(piece**2))) < _LOUD:
        return -1
    hertz = int(np.argmax(np.abs(np.fft.rfft(piece)))) * SAMPLE_RATE / _PIECE
    return min(max(round((hertz - _LOWEST) / _STEP), 0), len(VOCABULARY) - 1)


class LoudnessProbability:
    """A detector without doubts; counts what it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, window: Samples, /) -> float:
        self.asked += 1
        return 0.95 if float(np.sqrt(np.mean(window**2))) > _LOUD else 0.05

    def reset(self) -> None:
        pass


class LoudnessDetection:
    """Makes such detectors."""

    async def open(self) -> None:
        pass

    def __call__(self) -> LoudnessProbability:
        return LoudnessProbability()


class ToneRecogniser:
    """Understands tones, each clip ``latency(clip)`` seconds of the clock later.

    ``texts`` replaces the answers, in the order of asking; an error in it is raised.
    """

    name = "tones"

    def __init__(
        self,
        clock: ManualClock,
        *,
        latency: Callable[[AudioClip], float] = lambda _: 0.06,
        texts: Sequence[str | Transcript | Exception] = (),
    ) -> None:
        self._clock = clock
        self._latency = latency
        self._texts = list(texts)
        self._due: list[tuple[float, asyncio.Future[None]]] = []
        self.clips: list[AudioClip] = []
        self.languages: list[str | None] = []
        self.cancelled = 0

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        self.clips.append(clip)
        self.languages.append(language)
        answer = self._texts.pop(0) if self._texts else understood(clip.pcm)
        done = asyncio.get_running_loop().create_future()
        self._due.append((self._clock.monotonic() + self._latency(clip), done))
        try:
            await done
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Transcript) else Transcript(text=answer)

    def deliver(self) -> None:
        """Hand out the answers that are due."""
        now = self._clock.monotonic()
        for due in [each for each in self._due if each[0] <= now]:
            self._due.remove(due)
            if not due[1].done():
                due[1].set_result(None)


class ScriptedCompletion:
    """Says the probabilities it was given, then the last of them for ever."""

    def __init__(self, *probabilities: float) -> None:
        self._probabilities = list(probabilities)
        self.lengths: list[int] = []

    async def probability(self, samples: Samples, /) -> float:
        self.lengths.append(len(samples))
        if len(self._probabilities) > 1:
            return self._probabilities.pop(0)
        return self._probabilities[0]
