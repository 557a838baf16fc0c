"""Speech from an engine in a child process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from services.domain.audio import AudioFrame
from services.voice.engines.engine_process import EngineProcess, EngineSpec
from services.voice.engines.prosody import prosody_of
from services.voice.synthesis import Voice, VoiceListing


class ProcessSpeech:
    """A ``TextToSpeech`` whose work is done elsewhere; see ``EngineProcess`` for its faults."""

    def __init__(self, spec: EngineSpec, *, log: Path | None = None) -> None:
        self._name = spec.name
        self._process = EngineProcess(spec, log=log)

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._name

    @property
    def process_id(self) -> int | None:
        """The id of the engine's process while it runs."""
        return self._process.process_id

    async def open(self) -> None:
        """Load the engine. Raises ``ProviderError``."""
        await self._process.open()

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the speech; closing stops the engine between two pieces of work.

        Raises ``ProviderError``.
        """
        prosody = prosody_of(voice)
        request = {
            "op": "speak",
            "text": text,
            "voice": voice.name,
            "speed": prosody.speed,
            "pitch": prosody.pitch,
            "language": voice.language,
        }
        at = 0.0
        async with aclosing(self._process.stream(request)) as frames:
            async for frame in frames:
                if frame.payload:
                    rate = int(frame.header["rate"])
                    sound = AudioFrame(pcm=frame.payload, rate=rate, channels=1, started_at=at)
                    at += sound.seconds
                    yield sound

    async def voices(self) -> Sequence[VoiceListing]:
        """List the engine's voices. Raises ``ProviderError``."""
        answer = await self._process.call({"op": "voices"})
        return [VoiceListing(**listing) for listing in answer.header["voices"]]

    async def close(self) -> None:
        """End the process."""
        await self._process.close()
