"""Sound for a mixer, and what came out of it as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.domain.audio import AudioFrame
from services.voice.audio_io import BLOCK_BYTES, BLOCK_RATE
from services.voice.mixing.mixer import Mixer
from services.voice.mixing.mixer_events import MixerEvent
from services.voice.pcm import from_pcm
from tests.fakes.clock import ManualClock

BLOCK = BLOCK_RATE // 50
FADE = BLOCK_RATE * 5 // 1000


def frame_of(
    samples: NDArray[np.float32], *, rate: int = BLOCK_RATE, channels: int = 1
) -> AudioFrame:
    pcm = (samples * 32767).round().astype("<i2").tobytes()
    return AudioFrame(pcm=pcm, rate=rate, channels=channels, started_at=0.0)


def sine_of(
    hertz: float, seconds: float, *, rate: int = BLOCK_RATE, loudness: float = 0.5
) -> NDArray[np.float32]:
    moments = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * moments) * loudness).astype(np.float32)


def noise_of(count: int, *, seed: int, loudness: float = 0.5) -> NDArray[np.float32]:
    """Return samples that are exactly what 16 bits can say."""
    most = int(loudness * 32767)
    return (
        np.random.default_rng(seed).integers(-most, most, count).astype(np.float32) / 32767
    ).astype(np.float32)


class PlayedMixer(Mixer):
    """A mixer whose clock moves 20 ms a block, and which keeps what it told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: list[MixerEvent] = []
        super().__init__(clock=self.clock, tell=self.told.append)

    def play(self) -> NDArray[np.float32] | None:
        """Return the next block, ``(BLOCK, 2)``."""
        self.clock.advance(0.02)
        pcm = self.read()
        if pcm is None:
            return None
        assert len(pcm) == BLOCK_BYTES
        return from_pcm(pcm).reshape(-1, 2)

    def left(self, blocks: int) -> NDArray[np.float32]:
        """Return the left channel of so many blocks; silence for those that were ``None``."""
        played = [self.play() for _ in range(blocks)]
        return np.concatenate(
            [np.zeros(BLOCK, np.float32) if one is None else one[:, 0] for one in played]
        )

    def say(self, clause: int, *sounds: NDArray[np.float32], rate: int = BLOCK_RATE) -> None:
        """Give a whole clause to the speech track, in frames of at most 100 ms."""
        self.speech.begin(clause)
        for sound in sounds:
            for at in range(0, len(sound), rate // 10):
                self.speech.write(frame_of(sound[at : at + rate // 10], rate=rate))
        self.speech.end()


def steepest(sound: NDArray[np.float32]) -> float:
    """Return the greatest step from a sample to the next, from silence and back to it."""
    return float(np.abs(np.diff(np.concatenate([[0.0], sound, [0.0]]))).max())
