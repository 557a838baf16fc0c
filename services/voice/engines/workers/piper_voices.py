"""Piper, in its own process: its licence is the GPL, and this program only talks to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import Job, required
from services.voice.engines.wire import Header
from services.voice.engines.workers.speaking import Piece, SpeakingEngine, Wanted

_LOADED_VOICES = 4
_WARM_UP = "Hello."
# Of two sentences at seven length scales: Piper rounds every sound up to whole frames, so about a
# third of the length does not follow the scale.
_STIFF = 0.32
_SHORTEST_SCALE = 0.2


def open_piper(options: Header) -> SpeakingEngine:
    """Load the default voice and let it say a word."""
    voices = PiperVoices(
        [Path(folder) for folder in options["folders"]],
        default=options["voice"],
        noise=options["noise"],
        threads=options["threads"],
    )
    voices.warm_up()
    return SpeakingEngine(voices)


class PiperVoices:
    """The voices in some folders; the last few that spoke stay loaded."""

    def __init__(
        self, folders: Sequence[Path], *, default: str | None, noise: float | None, threads: int
    ) -> None:
        self._sdk = required("piper", engine="piper", package="piper-tts")
        self._onnx = required("onnxruntime", engine="piper", package="onnxruntime")
        self._paths = {
            path.stem: path
            for folder in folders
            for path in sorted(folder.rglob("*.onnx"))
            if path.with_suffix(".onnx.json").exists()
        }
        if not self._paths:
            raise ProviderError(
                "piper",
                ProviderFault.MODEL_MISSING,
                "Piper has no voice: put NAME.onnx and NAME.onnx.json into its folder.",
            )
        self._default = default if default in self._paths else next(iter(self._paths))
        self._noise = noise
        self._threads = threads
        self._load = lru_cache(maxsize=_LOADED_VOICES)(self._loaded)

    def warm_up(self) -> None:
        """Speak once, so that the next sentence does not pay for it."""
        for _ in self._load(self._default).synthesize(_WARM_UP):
            pass

    def speak(self, wanted: Wanted, job: Job, /) -> Iterator[Piece]:
        """Yield a piece per sentence."""
        voice = self._load(self._name(wanted))
        base = voice.config.length_scale or 1.0
        noise = {} if self._noise is None else dict.fromkeys(_NOISES, self._noise)
        settings = self._sdk.SynthesisConfig(length_scale=base * stretch(wanted.own_speed), **noise)
        for chunk in voice.synthesize(wanted.text, settings):
            job.check()
            yield Piece(samples=chunk.audio_float_array, rate=chunk.sample_rate)

    def voices(self) -> list[dict[str, str]]:
        """Return the voices by their file names."""
        return [
            {"name": name, "language": _language(path), "description": ""}
            for name, path in self._paths.items()
        ]

    def _name(self, wanted: Wanted) -> str:
        """Return the voice asked for, or one of the language, or the default."""
        if wanted.voice in self._paths:
            return str(wanted.voice)
        language = (wanted.language or "").split("-")[0].casefold()
        if not language or any(_of_language([self._default], language)):
            return self._default
        return next(_of_language(self._paths, language), self._default)

    def _loaded(self, name: str) -> Any:  # noqa: ANN401  the SDK's own class
        path = self._paths[name]
        options = self._onnx.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = self._threads
        session = self._onnx.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
        config = json.loads(path.with_suffix(".onnx.json").read_text(encoding="utf-8"))
        return self._sdk.PiperVoice(config=self._sdk.PiperConfig.from_dict(config), session=session)


_NOISES = ("noise_scale", "noise_w_scale")


def stretch(speed: float) -> float:
    """Return the length scale at which Piper speaks ``speed`` times as fast."""
    return max(_SHORTEST_SCALE, (1 / speed - _STIFF) / (1 - _STIFF))


def _of_language(names: Iterable[str], language: str) -> Iterator[str]:
    """Yield the names that begin with a language, as in ``en_US-joe-medium``."""
    return (name for name in names if name.casefold().split("_")[0].split("-")[0] == language)


def _language(path: Path) -> str:
    try:
        described = json.loads(path.with_suffix(".onnx.json").read_text(encoding="utf-8"))
        return str(described["language"]["code"]).replace("_", "-")
    except (OSError, ValueError, KeyError, TypeError):
        return path.stem.split("-")[0].replace("_", "-")
