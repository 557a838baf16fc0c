"""Supertonic in a process: four networks make a sentence's sound out of noise, in a few steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.domain.errors import ProviderError
from services.voice.engines.jobs import Job, required
from services.voice.engines.supertonic_files import (
    NAME,
    NETWORKS,
    broken,
    lacking_file,
    missing_file,
    network_path,
    read_config,
    read_indexer,
    read_json,
    style_paths,
)
from services.voice.engines.supertonic_text import SupertonicText
from services.voice.engines.wire import Header
from services.voice.engines.workers.speaking import Piece, SpeakingEngine, Wanted, sentences
from services.voice.pcm import Samples

_LOADED_STYLES = 8
_SLOWEST, _FASTEST = 0.5, 2.0
_USUAL_PACE = 1.05
"""How much faster than predicted its makers let it speak unless told otherwise."""
_LONGEST_SECONDS = 60.0
_SEED = 99
_WARM_UP = "Hello."
_ENGLISH = "en"

_INPUTS: Mapping[str, frozenset[str]] = {
    "duration_predictor": frozenset({"text_ids", "style_dp", "text_mask"}),
    "text_encoder": frozenset({"text_ids", "style_ttl", "text_mask"}),
    "vector_estimator": frozenset(
        {
            "noisy_latent",
            "text_emb",
            "style_ttl",
            "text_mask",
            "latent_mask",
            "current_step",
            "total_step",
        }
    ),
    "vocoder": frozenset({"latent"}),
}

Array = NDArray[np.generic]


def open_supertonic(options: Header) -> SpeakingEngine:
    """Load the networks and let them say a word."""
    folder = Path(options["folder"])
    if (absent := missing_file(folder)) is not None:
        raise lacking_file(folder / absent)
    voices = SupertonicVoices(
        folder, default=options["voice"], steps=options["steps"], threads=options["threads"]
    )
    voices.warm_up()
    return SpeakingEngine(voices)


class SupertonicVoices:
    """Speaks a sentence at a time, the same one the same way each time."""

    def __init__(self, folder: Path, *, default: str, steps: int, threads: int) -> None:
        self._config = read_config(folder)
        self._text = SupertonicText(read_indexer(folder), self._config)
        self._paths = style_paths(folder)
        self._default = default if default in self._paths else next(iter(self._paths))
        self._steps = steps
        self._style = lru_cache(maxsize=_LOADED_STYLES)(self._read_style)
        self._networks = {
            name: _Network(network_path(folder, name), _INPUTS[name], threads=threads)
            for name in NETWORKS
        }

    def warm_up(self) -> None:
        """Speak once, so that the next sentence does not pay for it and what is broken is seen."""
        self._say(self._text.numbers(_WARM_UP, _ENGLISH), self._default, 1.0)

    def speak(self, wanted: Wanted, job: Job, /) -> Iterator[Piece]:
        """Yield a piece per sentence."""
        voice = wanted.voice if wanted.voice in self._paths else self._default
        speed = min(_FASTEST, max(_SLOWEST, wanted.own_speed))
        for sentence in sentences(wanted.text):
            job.check()
            numbers = self._text.numbers(sentence, wanted.language)
            if len(numbers):
                samples = self._say(numbers, str(voice), speed, job)
                yield Piece(samples=samples, rate=self._config.rate)

    def voices(self) -> list[dict[str, str]]:
        """Return the voices by their file names; each speaks every language."""
        return [{"name": name, "language": _ENGLISH, "description": ""} for name in self._paths]

    def _say(
        self, numbers: NDArray[np.int64], voice: str, speed: float, job: Job | None = None
    ) -> Samples:
        pace, sound = self._style(voice)
        mask = np.ones((1, 1, len(numbers)), np.float32)
        text: dict[str, Array] = {"text_ids": numbers[None], "text_mask": mask}
        predicted = self._networks["duration_predictor"].run({**text, "style_dp": pace})
        seconds = float(predicted.reshape(-1)[0]) / (speed * _USUAL_PACE)
        if not 0 < seconds < np.inf:
            raise broken(self._paths[voice], f"a sentence of {seconds} s")
        seconds = min(_LONGEST_SECONDS, seconds)
        given: dict[str, Array] = {
            "text_emb": self._networks["text_encoder"].run({**text, "style_ttl": sound}),
            "style_ttl": sound,
            "text_mask": mask,
        }
        latent = self._denoised(given, seconds, job)
        made = self._networks["vocoder"].run({"latent": latent})
        samples = np.asarray(made, np.float32).reshape(-1)
        return samples[: round(seconds * self._config.rate)]

    def _denoised(self, given: Mapping[str, Array], seconds: float, job: Job | None) -> Array:
        config = self._config
        length = -(-round(seconds * config.rate) // config.step_samples)
        noise = np.random.default_rng(_SEED)
        latent: Array = noise.standard_normal((1, config.rows, length)).astype(np.float32)
        fixed = {
            **given,
            "latent_mask": np.ones((1, 1, length), np.float32),
            "total_step": np.array([self._steps], np.float32),
        }
        for step in range(self._steps):
            if job is not None:
                job.check()
            now = np.array([step], np.float32)
            latent = self._networks["vector_estimator"].run(
                {**fixed, "noisy_latent": latent, "current_step": now}
            )
        return latent

    def _read_style(self, name: str) -> tuple[Array, Array]:
        """Return what a voice gives the duration predictor, and the other networks."""
        path = self._paths[name]
        said = read_json(path)
        try:
            return _matrix(said["style_dp"]), _matrix(said["style_ttl"])
        except (KeyError, TypeError, ValueError) as error:
            raise broken(path, repr(error)) from error


class _Network:
    """One network, checked for the inputs its makers gave it."""

    def __init__(self, path: Path, inputs: frozenset[str], *, threads: int) -> None:
        onnx = required("onnxruntime", engine=NAME, package="onnxruntime")
        settings = onnx.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = threads
        self._path = path
        try:
            self._session: Any = onnx.InferenceSession(
                str(path), sess_options=settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the SDK's errors have no common class
            raise broken(path, type(error).__name__) from error
        found = frozenset(each.name for each in self._session.get_inputs())
        if found != inputs:
            raise broken(path, f"inputs {sorted(found)}")

    def run(self, given: Mapping[str, Array]) -> Array:
        """Return the first output. Raises ``ProviderError``."""
        try:
            made: Array = np.asarray(self._session.run(None, dict(given))[0])
        except Exception as error:  # the SDK's errors have no common class
            raise self._unusable(error) from error
        return made

    def _unusable(self, error: Exception) -> ProviderError:
        return broken(self._path, f"{type(error).__name__}: {error}")


def _matrix(said: Mapping[str, Any]) -> Array:
    """Return an array of ``dims``, whose numbers are nested or not."""
    return np.array(said["data"], np.float32).reshape([int(size) for size in said["dims"]])
