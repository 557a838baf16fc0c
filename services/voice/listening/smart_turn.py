"""Smart Turn v3: whether a turn sounds finished."""

from __future__ import annotations

import asyncio
from functools import cached_property
from pathlib import Path

import numpy as np

from services.voice.listening.endpointing import COMPLETION_SECONDS
from services.voice.listening.engines import OnnxSession, onnx_session
from services.voice.listening.mel import log_mel
from services.voice.listening.samples import SAMPLE_RATE, Samples

_LENGTH = int(COMPLETION_SECONDS * SAMPLE_RATE)
_VARIANCE_FLOOR = 1e-7


class SmartTurn:
    """Smart Turn v3.2 as ONNX: ``input_features`` (1, 80, 800) in, one probability out.

    The model takes 8 s of sound with the silence before it, if any, at the front, brought to zero
    mean and unit variance. It is loaded at first use, runs on one thread off the event loop, and
    judges one turn at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turns = asyncio.Lock()

    @cached_property
    def _session(self) -> OnnxSession:
        return onnx_session(self._path, provider="smart-turn")

    async def probability(self, samples: Samples, /) -> float:
        """Return how probably the turn is over. Raises ``ProviderError`` when loading fails."""
        async with self._turns:
            return await asyncio.to_thread(self.judge, samples)

    def judge(self, samples: Samples, /) -> float:
        """Do the same in the calling thread: 20 to 200 ms on one core."""
        last = samples[-_LENGTH:]
        padded = np.pad(last, (_LENGTH - last.size, 0)).astype(np.float32)
        scaled = (padded - padded.mean()) / np.sqrt(padded.var() + _VARIANCE_FLOOR)
        features = log_mel(scaled.astype(np.float32))[np.newaxis]
        return float(np.ravel(self._session.run(None, {"input_features": features})[0])[0])
