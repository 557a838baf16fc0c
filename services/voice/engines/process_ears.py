"""Recognition by an engine in a child process."""

from __future__ import annotations

from pathlib import Path

from services.domain.audio import AudioClip
from services.voice.engines.engine_process import EngineProcess, EngineSpec
from services.voice.recognition import Transcript


class ProcessEars:
    """A ``SpeechToText`` whose work is done elsewhere; see ``EngineProcess`` for its faults."""

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
        """Load the engine and let it hear a second of silence. Raises ``ProviderError``."""
        await self._process.open()

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        """Return the words; a cancelled clip is dropped by the engine. ``ProviderError``."""
        request = {"op": "transcribe", "rate": clip.rate, "language": language}
        answer = await self._process.call(request, clip.pcm)
        return Transcript(
            text=str(answer.header["text"]),
            language=answer.header.get("language"),
            confidence=answer.header.get("confidence"),
        )

    async def close(self) -> None:
        """End the process."""
        await self._process.close()
