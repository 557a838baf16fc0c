"""Microphone and loudspeaker, through the optional package ``sounddevice``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from frontends.console.talking.timeline import Timeline
from services.domain.audio import AudioFrame, SpeakerFrame
from services.domain.clock import Clock
from services.domain.errors import ConfigurationError
from services.domain.people import Author
from services.voice.audio_io import (
    BLOCK_BYTES,
    BLOCK_CHANNELS,
    BLOCK_RATE,
    BLOCK_SECONDS,
    BlockSource,
)
from services.voice.listening.samples import SAMPLE_RATE

logger = logging.getLogger(__name__)

_MOST_WAITING = 50
_INPUT_FRAMES = round(SAMPLE_RATE * BLOCK_SECONDS)
_OUTPUT_FRAMES = round(BLOCK_RATE * BLOCK_SECONDS)
_SILENCE = bytes(BLOCK_BYTES)


class SoundDevices:
    """The system's default microphone and loudspeaker; ``library`` is ``sounddevice``."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401  an optional package without types
        self._library = library

    def microphone(self, *, speaker: Author, clock: Clock, timeline: Timeline) -> Microphone:
        """Return the microphone, closed as yet."""
        return Microphone(self._library, speaker=speaker, clock=clock, timeline=timeline)

    def loudspeaker(self) -> Loudspeaker:
        """Return the loudspeaker, closed as yet."""
        return Loudspeaker(self._library)

    def check(self) -> None:
        """Raise ``ConfigurationError`` where one of the two is missing."""
        try:
            self._library.check_input_settings(samplerate=SAMPLE_RATE, channels=1, dtype="int16")
            self._library.check_output_settings(
                samplerate=BLOCK_RATE, channels=BLOCK_CHANNELS, dtype="int16"
            )
        except (self._library.PortAudioError, ValueError) as error:
            raise ConfigurationError(
                "no_sound_device",
                "No microphone or no loudspeaker can be used; connect them, or talk with --wav.",
            ) from error


def sound_devices() -> SoundDevices:
    """Return what there is; raises ``ConfigurationError`` that says what to install."""
    try:
        library = import_module("sounddevice")
    except (ImportError, OSError) as error:  # OSError: PortAudio itself is missing
        raise ConfigurationError(
            "sounddevice_missing",
            "A microphone needs the package sounddevice and PortAudio: run "
            "`pip install sounddevice`, and on Linux install libportaudio2.",
        ) from error
    devices = SoundDevices(library)
    devices.check()
    return devices


class Microphone:
    """An ``AudioInput``; what is not taken within a second is dropped, oldest first."""

    def __init__(
        self,
        library: Any,  # noqa: ANN401  an optional package without types
        *,
        speaker: Author,
        clock: Clock,
        timeline: Timeline,
    ) -> None:
        self._library = library
        self._speaker = speaker
        self._clock = clock
        self._timeline = timeline

    async def frames(self) -> AsyncGenerator[SpeakerFrame, None]:
        """Yield what is heard as it comes."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue(_MOST_WAITING)

        def put(pcm: bytes, at: float) -> None:
            if waiting.full():
                waiting.get_nowait()
            waiting.put_nowait((pcm, at))

        def heard(sound: Any, frames: int, times: Any, status: Any) -> None:  # noqa: ANN401
            loop.call_soon_threadsafe(put, bytes(sound), self._clock.monotonic())

        with self._library.RawInputStream(
            samplerate=SAMPLE_RATE,
            channels=1,
            dtype="int16",
            blocksize=_INPUT_FRAMES,
            callback=heard,
        ):
            self._timeline.begin()
            while True:
                pcm, at = await waiting.get()
                frame = AudioFrame(pcm=pcm, rate=SAMPLE_RATE, channels=1, started_at=at)
                yield SpeakerFrame(speaker=self._speaker, frame=frame)


class Loudspeaker:
    """An ``AudioOutput``."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401  an optional package without types
        self._library = library

    @asynccontextmanager
    async def playing(self, source: BlockSource, /) -> AsyncIterator[None]:
        """Play what ``source`` gives while entered."""

        def play(out: Any, frames: int, times: Any, status: Any) -> None:  # noqa: ANN401
            out[:] = (source() or _SILENCE)[: len(out)].ljust(len(out), b"\0")

        with self._library.RawOutputStream(
            samplerate=BLOCK_RATE,
            channels=BLOCK_CHANNELS,
            dtype="int16",
            blocksize=_OUTPUT_FRAMES,
            latency="low",
            callback=play,
        ):
            yield
