"""A recording as what a call listens to, as fast as it was spoken."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator

from frontends.console.talking.timeline import Timeline
from services.domain.audio import AudioFrame, SpeakerFrame
from services.domain.clock import Clock
from services.domain.people import Author
from services.voice.audio_io import BLOCK_SECONDS
from services.voice.listening.samples import BYTES_PER_SECOND, SAMPLE_RATE

_FRAME_BYTES = round(BLOCK_SECONDS * BYTES_PER_SECOND)


class WavInput:
    """An ``AudioInput``: 20 ms of ``pcm`` every 20 ms, then silence until it is told to ``end``.

    A frame arrives when its last sample has been spoken. One that is late is followed at once by
    those that are due, so the time of the recording never drifts from the clock.
    """

    def __init__(self, pcm: bytes, *, speaker: Author, clock: Clock, timeline: Timeline) -> None:
        self._pcm = pcm
        self._speaker = speaker
        self._clock = clock
        self._timeline = timeline
        self._ended = False

    @property
    def seconds(self) -> float:
        """How long the recording lasts, without the silence after it."""
        return len(self._pcm) / BYTES_PER_SECOND

    def end(self) -> None:
        """Let the input end with the next frame."""
        self._ended = True

    async def frames(self) -> AsyncGenerator[SpeakerFrame, None]:
        """Yield the recording in real time, from when this is first asked for a frame."""
        origin = self._timeline.begin()
        for number in itertools.count(1):
            due = origin + number * BLOCK_SECONDS
            await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
            if self._ended:
                return
            start = (number - 1) * _FRAME_BYTES
            pcm = self._pcm[start : start + _FRAME_BYTES].ljust(_FRAME_BYTES, b"\0")
            frame = AudioFrame(pcm=pcm, rate=SAMPLE_RATE, channels=1, started_at=due)
            yield SpeakerFrame(speaker=self._speaker, frame=frame)
