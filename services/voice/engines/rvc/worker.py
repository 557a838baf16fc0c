"""RVC in its own process: one content network, and the voices that were asked for last."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import Job
from services.voice.engines.rvc.onnx_voice import RATE, Content, OnnxVoice, Wish
from services.voice.engines.wire import Header
from services.voice.pcm import from_pcm, resampled, to_pcm

_LOADED_VOICES = 3
_SEED = 114514


def open_rvc(options: Header) -> RvcEngine:
    """Load the content network and find the voices."""
    folder, content = Path(options["folder"]), Path(options["content"])
    if not content.is_file():
        raise ProviderError(
            "rvc",
            ProviderFault.MODEL_MISSING,
            f"RVC needs the content network {content}; put ContentVec as ONNX there.",
        )
    return RvcEngine(folder, content, threads=options["threads"])


class RvcEngine:
    """Answers ``convert`` and ``models``."""

    def __init__(self, folder: Path, content: Path, *, threads: int) -> None:
        self._folder = folder
        self._content_path = content
        self._threads = threads
        self._content = Content(content, threads=threads)
        self._voice = lru_cache(maxsize=_LOADED_VOICES)(self._loaded)

    def about(self) -> Header:
        """Say nothing."""
        return {}

    def run(self, job: Job, /) -> None:
        """Answer a job."""
        if job.header["op"] == "models":
            job.finish(models=sorted(self._paths()))
            return
        voice = self._voice(str(job.header["model"]))
        job.check()
        samples = from_pcm(job.payload)
        samples = resampled(samples, rate=job.header["rate"], wanted=RATE)
        wish = Wish(pitch=job.header["pitch"], speaker=job.header["speaker"])
        noise = np.random.default_rng(_SEED)  # the same for every piece, so that they fit together
        made, rate = voice.convert(samples, self._content, wish, noise)
        job.finish(to_pcm(made), rate=rate)

    def _paths(self) -> dict[str, Path]:
        return {
            path.stem: path
            for path in sorted(self._folder.rglob("*.onnx"))
            if path != self._content_path
        }

    def _loaded(self, name: str) -> OnnxVoice:
        path = self._paths().get(name)
        if path is None:
            raise ProviderError(
                "rvc",
                ProviderFault.MODEL_MISSING,
                f"There is no voice {name} for RVC; put {name}.onnx into its folder.",
            )
        return OnnxVoice(path, threads=self._threads)
