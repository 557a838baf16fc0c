"""What the bot says: taken on a clock of 20 ms, and kept in a WAV file."""

from __future__ import annotations

import asyncio
import logging
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

from frontends.console.talking.timeline import Timeline
from services.domain.clock import Clock
from services.domain.errors import InvalidRequest
from services.voice.audio_io import (
    BLOCK_BYTES,
    BLOCK_CHANNELS,
    BLOCK_RATE,
    BLOCK_SECONDS,
    BlockSource,
)

logger = logging.getLogger(__name__)

_FRAME_BYTES = BLOCK_CHANNELS * 2
_SILENCE = bytes(BLOCK_BYTES)
_MOST_FRAMES = (1 << 32) // _FRAME_BYTES - BLOCK_RATE
_MOST_BEHIND = 0.2
_END_SECONDS = 5.0


class Recording:
    """A WAV file of 16-bit stereo at 48 kHz that grows as blocks come, with silence between them.

    It ends after the six hours that fit into such a file.
    ``failure`` is why nothing more is written, which happens in whatever thread adds blocks.
    """

    def __init__(self, writer: wave.Wave_write) -> None:
        self._writer = writer
        self._start = self._end = 0
        self.failure: OSError | None = None

    def add(self, block: bytes, /, *, at: float) -> None:
        """Let a block sound ``at`` seconds of the present part; half a block early or late is none.

        What would sound before the end of what is there is put after it.
        """
        position = self._start + round(at * BLOCK_RATE)
        if position - self._end > BLOCK_RATE * BLOCK_SECONDS / 2:
            self._silence(position - self._end)
        self._write(block)

    def end_part(self, seconds: float, /) -> None:
        """Fill the present part up to its length with silence, and begin another after it."""
        self._silence(self._start + round(seconds * BLOCK_RATE) - self._end)
        self._start = self._end

    def close(self) -> None:
        """Write what the header has to say, and nothing afterwards."""
        try:
            self._writer.close()
        except OSError as error:
            self.failure = self.failure or error

    def _silence(self, frames: int) -> None:
        for size in _pieces(frames * _FRAME_BYTES, len(_SILENCE)):
            self._write(_SILENCE[:size])

    def _write(self, pcm: bytes) -> None:
        if self.failure is not None or self._end >= _MOST_FRAMES:
            return
        try:
            self._writer.writeframesraw(pcm)
        except OSError as error:
            self.failure = error
            return
        self._end += len(pcm) // _FRAME_BYTES


def _pieces(length: int, most: int) -> Iterator[int]:
    while length > 0:
        yield min(length, most)
        length -= most


@contextmanager
def recording(path: Path) -> Iterator[Recording]:
    """Open a file for what the bot says; its header is right once this is left.

    Raises ``InvalidRequest`` where it cannot be opened, ``OSError`` at the end when not all of it
    could be written.
    """
    try:
        file = path.open("wb")
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise InvalidRequest("wav_unwritable", f"{path} cannot be written: {reason}.") from error
    with file:
        kept = Recording(_writer(file))
        try:
            yield kept
        finally:
            kept.close()
    if kept.failure is not None:
        raise kept.failure


def _writer(file: BinaryIO) -> wave.Wave_write:
    writer = wave.Wave_write(file)
    writer.setnchannels(BLOCK_CHANNELS)
    writer.setsampwidth(2)
    writer.setframerate(BLOCK_RATE)
    return writer


class WavOutput:
    """An ``AudioOutput`` that takes a block every 20 ms in a thread of its own, heard or not.

    With ``kept``, it is recorded at the time of the input it answers.
    """

    def __init__(self, *, clock: Clock, timeline: Timeline, kept: Recording | None = None) -> None:
        self._clock = clock
        self._timeline = timeline
        self._kept = kept

    @asynccontextmanager
    async def playing(self, source: BlockSource, /) -> AsyncIterator[None]:
        """Take what ``source`` gives while entered."""
        stop = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(source, stop), name="wav-output", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stop.set()
            await asyncio.to_thread(thread.join, _END_SECONDS)

    def _run(self, source: BlockSource, stop: threading.Event) -> None:
        due = self._clock.monotonic()
        while not stop.wait(max(0.0, due - self._clock.monotonic())):
            block = source()
            if block is not None:
                self._keep(block, at=due)
            due += BLOCK_SECONDS
            behind = self._clock.monotonic() - due
            if behind > _MOST_BEHIND:
                logger.warning("the output's clock was held up", extra={"seconds": behind})
                due += behind

    def _keep(self, block: bytes, *, at: float) -> None:
        if self._kept is not None and self._timeline.origin is not None:
            self._kept.add(block, at=self._timeline.of(at))
