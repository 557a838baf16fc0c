"""RVC voices in a process of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.domain.audio import AudioClip
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.engine_process import EngineProcess, EngineSpec

_SILENCE_SECONDS = 60.0


class RvcProcess:
    """A ``VoiceConverter`` over the ONNX voices (version 2) in ``folder``.

    ``content`` is ContentVec's network, by default ``content.onnx`` in the folder.
    """

    name = "rvc"

    def __init__(
        self,
        folder: Path,
        *,
        content: Path | None = None,
        threads: int = 1,
        log: Path | None = None,
    ) -> None:
        options = {
            "folder": str(folder),
            "content": str(content or folder / "content.onnx"),
            "threads": threads,
        }
        spec = EngineSpec(
            name=self.name,
            factory="services.voice.engines.rvc.worker:open_rvc",
            options=options,
            threads=threads,
            silence_seconds=_SILENCE_SECONDS,
        )
        self._process = EngineProcess(spec, log=log)

    @property
    def process_id(self) -> int | None:
        """The id of the process while it runs."""
        return self._process.process_id

    async def open(self) -> None:
        """Load the content network. Raises ``ProviderError``."""
        await self._process.open()

    async def convert(self, clip: AudioClip, /, *, target: ConversionTarget) -> AudioClip:
        """Return the clip in the other voice. Raises ``ProviderError``."""
        request = {
            "op": "convert",
            "rate": clip.rate,
            "model": target.model,
            "pitch": target.pitch,
            "speaker": target.speaker,
        }
        answer = await self._process.call(request, clip.pcm)
        return AudioClip(pcm=answer.payload, rate=int(answer.header["rate"]))

    async def models(self) -> Sequence[str]:
        """List the voices by their file names. Raises ``ProviderError``."""
        answer = await self._process.call({"op": "models"})
        return [str(name) for name in answer.header["models"]]

    async def close(self) -> None:
        """End the process."""
        await self._process.close()
