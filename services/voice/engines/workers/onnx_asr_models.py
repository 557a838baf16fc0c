"""Models of the package onnx-asr (Parakeet, Canary, GigaAM, Whisper and others), in a process."""

from __future__ import annotations

from typing import Any

import numpy as np

from services.voice.engines.jobs import Job, required
from services.voice.engines.wire import Header
from services.voice.pcm import from_pcm, resampled

_RATE = 16000


def open_onnx_asr(options: Header) -> OnnxAsrEars:
    """Load the model and let it hear a second of silence."""
    sdk = required("onnx_asr", engine="onnx-asr", package="onnx-asr")
    onnx = required("onnxruntime", engine="onnx-asr", package="onnxruntime")
    settings = onnx.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = options["threads"]
    model = sdk.load_model(
        options["model"],
        options["folder"],
        quantization=options["quantization"],
        sess_options=settings,
    )
    model.recognize(np.zeros(_RATE, np.float32), sample_rate=_RATE)
    return OnnxAsrEars(model)


class OnnxAsrEars:
    """Answers ``transcribe``; these models find the language themselves."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401  the SDK's own class
        self._model = model

    def about(self) -> Header:
        """Say nothing."""
        return {}

    def run(self, job: Job, /) -> None:
        """Answer a job."""
        samples = from_pcm(job.payload)
        samples = resampled(samples, rate=job.header["rate"], wanted=_RATE)
        text = self._model.recognize(samples, sample_rate=_RATE) if len(samples) else ""
        job.finish(text=str(text).strip(), language=job.header.get("language"), confidence=None)
