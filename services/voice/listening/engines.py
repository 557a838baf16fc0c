"""Loads ONNX models; the runtime is imported only when the first one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from services.domain.errors import ProviderError, ProviderFault


class OnnxSession(Protocol):
    """The part of ``onnxruntime.InferenceSession`` that is used here."""

    def run(
        self, outputs: Sequence[str] | None, inputs: Mapping[str, npt.NDArray[np.float32]], /
    ) -> list[Any]:
        """Return the model's outputs in the order it declares them."""
        ...


def onnx_session(path: Path, /, *, provider: str) -> OnnxSession:
    """Load a model for the CPU on one thread, without a memory arena.

    Blocks for tens of milliseconds. Raises ``ProviderError`` in the name of ``provider``.
    """
    if not path.is_file():
        raise _failure(provider, ProviderFault.MODEL_MISSING, "Its file is missing")
    try:
        import onnxruntime  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise _failure(
            provider, ProviderFault.UNSUPPORTED, "The package onnxruntime is missing"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's errors share no other class
        raise _failure(provider, ProviderFault.MALFORMED, "Its file cannot be read") from error
    return cast("OnnxSession", session)


def _failure(provider: str, fault: ProviderFault, what: str) -> ProviderError:
    return ProviderError(
        provider, fault, f"{what}: install the voice models again to use {provider}."
    )
