"""Supertonic's release as it lies in a folder: what must be there, and what its files say.

The layout is the one its makers publish for all three versions: ``onnx`` with the four networks,
``tts.json`` and ``unicode_indexer.json``, and ``voice_styles`` with a file for each voice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.domain.errors import ProviderError, ProviderFault

NAME = "supertonic"
NETWORKS = ("duration_predictor", "text_encoder", "vector_estimator", "vocoder")
FETCH = "Download Supertonic's release again, whole."

_CONFIG, _INDEXER = "onnx/tts.json", "onnx/unicode_indexer.json"
_STYLES = "voice_styles"
_LARGEST = 1 << 20
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_MANY_LANGUAGES = (1, 7)

# Version 2 knows the first five. Tags are the ISO 639-1 codes its makers list; ``na`` is for text
# in any other language and only in version 3.
_FIVE = frozenset({"en", "ko", "es", "pt", "fr"})
# fmt: off
_ALL = _FIVE | frozenset({
    "ja", "ar", "bg", "cs", "da", "de", "el", "et", "fi", "hi", "hr", "hu", "id", "it", "lt", "lv",
    "nl", "pl", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "vi",
})
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class SupertonicConfig:
    """What ``tts.json`` says: samples a second, samples and rows of each step of the latent.

    ``languages`` are those it is told in tags, none for version 1, which speaks English only;
    ``fallback`` is the tag for all others.
    """

    rate: int
    step_samples: int
    rows: int
    languages: frozenset[str]
    fallback: str


def missing_file(folder: Path) -> str | None:
    """Return the first file of the release that is not in ``folder``, as a path within it."""
    wanted = [f"onnx/{name}.onnx" for name in NETWORKS] + [_CONFIG, _INDEXER]
    absent = next((name for name in wanted if not (folder / name).is_file()), None)
    if absent is None and not style_paths(folder):
        return f"{_STYLES}/F1.json"
    return absent


def style_paths(folder: Path) -> dict[str, Path]:
    """Return the voices by name."""
    return {path.stem: path for path in sorted((folder / _STYLES).glob("*.json"))}


def network_path(folder: Path, name: str) -> Path:
    """Return where a network is."""
    return folder / "onnx" / f"{name}.onnx"


def read_config(folder: Path) -> SupertonicConfig:
    """Read ``tts.json``. Raises ``ProviderError``."""
    path = folder / _CONFIG
    said = read_json(path)
    try:
        encoder, latent = said["ae"], said["ttl"]
        factor = int(latent["chunk_compress_factor"])
        config = SupertonicConfig(
            rate=int(encoder["sample_rate"]),
            step_samples=int(encoder["base_chunk_size"]) * factor,
            rows=int(latent["latent_dim"]) * factor,
            languages=(tongues := _languages(said)),
            fallback="na" if tongues == _ALL else "en",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise broken(path, repr(error)) from error
    if not 0 < min(config.rate, config.step_samples, config.rows) < _LARGEST:
        raise broken(path, "sizes out of bounds")
    return config


def read_indexer(folder: Path) -> list[int]:
    """Read the number of each character by its code point, -1 where it has none.

    Raises ``ProviderError``.
    """
    path = folder / _INDEXER
    said = read_json(path)
    if not isinstance(said, list) or not all(isinstance(number, int) for number in said):
        raise broken(path, "no list of numbers")
    return said


def read_json(path: Path) -> Any:  # noqa: ANN401  whatever is in the file
    """Read a file of the release. Raises ``ProviderError``."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise lacking_file(path) from error
    except (OSError, ValueError) as error:
        raise broken(path, type(error).__name__) from error


def lacking_file(path: Path) -> ProviderError:
    """Return the error of a file that is not there."""
    return ProviderError(
        NAME, ProviderFault.MODEL_MISSING, f"Supertonic lacks the file {path}. {FETCH}"
    )


def broken(path: Path, detail: str) -> ProviderError:
    """Return the error of a file that cannot be used."""
    return ProviderError(
        NAME,
        ProviderFault.MALFORMED,
        f"Supertonic's file {path} cannot be used. {FETCH}",
        detail=detail[:300],
    )


def _languages(said: dict[str, Any]) -> frozenset[str]:
    """Tell the version by what its ``tts.json`` calls itself, such as v1.5.0 and opensource-en."""
    if str(said.get("split", "")).endswith("-en"):
        return frozenset()
    version = _VERSION.match(str(said.get("tts_version", "")))
    known = tuple(map(int, version.groups())) if version is not None else _MANY_LANGUAGES
    return _ALL if known >= _MANY_LANGUAGES else _FIVE
