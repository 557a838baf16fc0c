"""Whether somebody speaks: the protocol, and Silero's detector."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from services.voice.listening.engines import OnnxSession, onnx_session
from services.voice.listening.samples import Samples

_CONTEXT = 64
_STATE = (1, 1, 128)


class SpeechProbability(Protocol):
    """Judges one speaker's windows in order, with a memory of those before."""

    def __call__(self, window: Samples, /) -> float:
        """Return how probably 512 samples at 16 kHz hold speech, 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget what came before, as after a long silence."""
        ...


class SileroModel:
    """Silero VAD v6 as ONNX (inputs ``input``, ``h``, ``c``), loaded at first use.

    One model serves every speaker; each has a ``SileroProbability`` of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def session(self) -> OnnxSession:
        """The loaded model. Raises ``ProviderError``."""
        return onnx_session(self._path, provider="silero")

    def speaker(self) -> SileroProbability:
        """Return a detector for one more speaker."""
        return SileroProbability(self)


class SileroProbability:
    """One speaker's recurrent state; each window is judged with the 64 samples before it."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._context: Samples = np.zeros(_CONTEXT, dtype=np.float32)
        self._h: Samples = np.zeros(_STATE, dtype=np.float32)
        self._c: Samples = np.zeros(_STATE, dtype=np.float32)

    def __call__(self, window: Samples, /) -> float:
        """Return the probability of speech. Raises ``ProviderError`` when loading fails."""
        heard = np.concatenate((self._context, window))[np.newaxis]
        probability, self._h, self._c = self._model.session.run(
            None, {"input": heard, "h": self._h, "c": self._c}
        )
        self._context = window[-_CONTEXT:].copy()
        return float(np.ravel(probability)[0])

    def reset(self) -> None:
        """Forget everything heard."""
        self._context = np.zeros(_CONTEXT, dtype=np.float32)
        self._h = np.zeros(_STATE, dtype=np.float32)
        self._c = np.zeros(_STATE, dtype=np.float32)
