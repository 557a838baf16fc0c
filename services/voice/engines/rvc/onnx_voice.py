"""RVC models of version 2 as ONNX: a network for what is said, one for the voice that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import required
from services.voice.engines.rvc.pitch import coarse_pitch, pitch_of
from services.voice.pcm import Samples

RATE = 16000
FRAMES_PER_SECOND = 100
_FEATURES = 768
_NOISE = 192
_NOISE_SIZE = 0.66666
_PADDING_SECONDS = 0.1
_INPUTS = ("phone", "phone_lengths", "pitch", "pitchf", "ds", "rnd")
_INPUTS_WITHOUT_PITCH = ("phone", "phone_lengths", "ds", "rnd")
_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Semitones to move by, and which of the model's speakers."""

    pitch: float
    speaker: int


def session(path: Path, *, threads: int) -> Any:  # noqa: ANN401  the SDK's own class
    """Return the network in a file. Raises ``ProviderError``."""
    onnx = required("onnxruntime", engine="rvc", package="onnxruntime")
    settings = onnx.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = threads
    usable = [
        name
        for name in ("CUDAExecutionProvider", "CPUExecutionProvider")
        if name in onnx.get_available_providers()
    ]
    try:
        return onnx.InferenceSession(str(path), sess_options=settings, providers=usable)
    except Exception as error:  # the SDK's errors have no common class
        raise _bad(path, type(error).__name__) from error


class Content:
    """ContentVec: 16 kHz sound becomes 768 features 50 times a second."""

    def __init__(self, path: Path, *, threads: int) -> None:
        self._path = path
        self._session = session(path, threads=threads)
        self._input = self._session.get_inputs()[0]

    def features(self, samples: Samples) -> NDArray[np.float32]:
        """Return one row for each 10 ms, every feature twice. Raises ``ProviderError``."""
        shape = (1,) * (len(self._input.shape) - 1) + (-1,)
        sound = samples.astype(_TYPES[self._input.type]).reshape(shape)
        made = np.asarray(self._session.run(None, {self._input.name: sound})[0], np.float32)[0]
        if made.ndim != 2 or _FEATURES not in made.shape:
            raise _bad(self._path, f"features of shape {made.shape}")
        rows = made if made.shape[1] == _FEATURES else made.T
        return np.repeat(rows, 2, axis=0)


class OnnxVoice:
    """One voice: the generator that RVC exports, with or without pitch."""

    def __init__(self, path: Path, *, threads: int) -> None:
        self._path = path
        self._session = session(path, threads=threads)
        inputs = self._session.get_inputs()
        orders = {len(order): order for order in (_INPUTS, _INPUTS_WITHOUT_PITCH)}
        if len(inputs) not in orders:
            raise _bad(path, f"{len(inputs)} inputs")
        self._inputs = dict(zip(orders[len(inputs)], inputs, strict=True))
        width = self._inputs["phone"].shape[-1]
        if isinstance(width, int) and width != _FEATURES:
            raise _bad(path, f"{width} features, so it is not of version 2")

    def convert(
        self, samples: Samples, content: Content, wish: Wish, noise: np.random.Generator
    ) -> tuple[Samples, int]:
        """Return 16 kHz sound in this voice, as long, and its rate. Raises ``ProviderError``."""
        padding = int(RATE * _PADDING_SECONDS)
        mode: Any = "reflect" if len(samples) > padding else "constant"
        padded = np.pad(samples, padding, mode=mode)
        features = content.features(padded)
        frames = min(len(features), len(padded) * FRAMES_PER_SECOND // RATE)
        if not frames:
            return np.zeros(0, np.float32), RATE
        pitch = pitch_of(padded, rate=RATE, frames=frames) * np.float32(2 ** (wish.pitch / 12))
        given: dict[str, NDArray[Any]] = {
            "phone": features[None, :frames],
            "phone_lengths": np.array([frames]),
            "pitch": coarse_pitch(pitch)[None],
            "pitchf": pitch[None],
            "ds": np.array([wish.speaker]),
            "rnd": noise.standard_normal((1, _NOISE, frames)) * _NOISE_SIZE,
        }
        made = self._run(given)
        rate = round(len(made) / frames) * FRAMES_PER_SECOND
        begin = round(_PADDING_SECONDS * rate)
        return made[begin : begin + round(len(samples) * rate / RATE)], rate

    def _run(self, given: Mapping[str, NDArray[Any]]) -> Samples:
        values = {
            place.name: given[name].astype(_TYPES[place.type])
            for name, place in self._inputs.items()
        }
        try:
            made = self._session.run(None, values)[0]
        except Exception as error:  # the SDK's errors have no common class
            raise _bad(self._path, type(error).__name__) from error
        return np.asarray(made, np.float32).reshape(-1)


def _bad(path: Path, detail: str) -> ProviderError:
    return ProviderError(
        "rvc",
        ProviderFault.MALFORMED,
        f"{path.name} is not a voice or content network of RVC version 2 that can be used; export "
        "it to ONNX again.",
        detail=detail,
    )
