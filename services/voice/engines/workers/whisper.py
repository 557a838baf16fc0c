"""faster-whisper in a process: short windows where they are safe, a GPU where there is one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import Job, required
from services.voice.engines.wire import Header
from services.voice.engines.workers.short_window import (
    FULL_WINDOW,
    Decoded,
    doubtful,
    silent,
    spoken_segments,
    window_frames,
    without_repeats,
)
from services.voice.pcm import Samples, from_pcm, resampled

RATE = 16000
_MOST_TOKENS_PER_SECOND = 8
_LEAST_TOKENS = 16
_SECONDS_PER_TIMESTAMP = 0.02
_INITIAL_TIMESTAMP = 50
_LONGEST_SHORT = 440


def open_whisper(options: Header) -> WhisperEars:
    """Load the model and let it hear a second of silence."""
    folder = Path(options["model"])
    if not (folder / "model.bin").is_file():
        raise ProviderError(
            "whisper",
            ProviderFault.MODEL_MISSING,
            f"There is no Whisper model in {folder}; put a CTranslate2 model there.",
        )
    ears = WhisperEars(_loaded(folder, options), short_windows=options["short_windows"])
    ears.warm_up()
    return ears


def _loaded(folder: Path, options: Header) -> Any:  # noqa: ANN401  the SDK's own class
    sdk = required("faster_whisper", engine="whisper", package="faster-whisper")
    ctranslate2 = required("ctranslate2", engine="whisper", package="ctranslate2")
    device = options["device"]
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    wanted = options["compute_type"]
    try:
        return _on(device, sdk, folder, wanted, options["threads"])
    except (RuntimeError, ValueError):
        if device == "cpu" or options["device"] == "cuda":
            raise
        return _on("cpu", sdk, folder, wanted, options["threads"])


def _on(device: str, sdk: Any, folder: Path, wanted: str, threads: int) -> Any:  # noqa: ANN401
    quick = "float16" if device == "cuda" else "int8"
    model = sdk.WhisperModel(
        str(folder),
        device=device,
        compute_type=quick if wanted == "default" else wanted,
        cpu_threads=threads,
        num_workers=1,
        local_files_only=True,
    )
    # CUDA's libraries are looked for at the first computation only.
    model.encode(np.zeros((model.feature_extractor.mel_filters.shape[0], 500), np.float32))
    return model


class WhisperEars:
    """Answers ``transcribe``."""

    def __init__(self, model: Any, *, short_windows: bool) -> None:  # noqa: ANN401
        self._model = model
        self._short_windows = short_windows
        self._tokenizers: dict[str, Any] = {}

    def about(self) -> Header:
        """Say where it computes and which languages it knows."""
        model = self._model.model
        return {"device": model.device, "multilingual": model.is_multilingual}

    def warm_up(self) -> None:
        """Decode silence both ways."""
        silence = np.zeros(RATE, np.float32)
        self._short(silence, 500, None)
        self._full(silence, None)

    def run(self, job: Job, /) -> None:
        """Answer a job."""
        samples = from_pcm(job.payload)
        samples = resampled(samples, rate=job.header["rate"], wanted=RATE)
        language = (job.header.get("language") or "").split("-")[0].casefold() or None
        decoded = self._decoded(samples, language, job)
        text = "" if decoded is None or silent(decoded) else decoded.text
        job.finish(
            text=text,
            language=decoded.language if decoded is not None and text else language,
            confidence=math.exp(min(0.0, decoded.logprob)) if decoded is not None and text else 0.0,
        )

    def _decoded(self, samples: Samples, language: str | None, job: Job) -> Decoded | None:
        if not len(samples):
            return None
        frames = window_frames(len(samples) / RATE) if self._short_windows else None
        if frames is not None:
            decoded = self._short(samples, frames, language)
            if silent(decoded) or not doubtful(decoded):
                return decoded
            job.check()
        return self._full(samples, language)

    def _short(self, samples: Samples, frames: int, language: str | None) -> Decoded:
        seconds = len(samples) / RATE
        room = np.zeros(max(0, frames * RATE // 100 - len(samples)), np.float32)
        mel = self._model.feature_extractor(np.concatenate([samples, room]), padding=0)
        encoded = self._model.encode(np.ascontiguousarray(mel[:, : min(frames, FULL_WINDOW)]))
        language = self._language(encoded, language)
        tokenizer = self._tokenizer(language)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=False)
        most = _LEAST_TOKENS + math.ceil(seconds * _MOST_TOKENS_PER_SECOND)
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=min(_LONGEST_SHORT, len(prompt) + most),
            repetition_penalty=1.05,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=[-1],
            max_initial_timestamp_index=_INITIAL_TIMESTAMP,
        )[0]
        tokens = result.sequences_ids[0]
        text = spoken_segments(_segments(tokens, tokenizer), seconds=seconds)
        return Decoded(
            text=without_repeats(text),
            language=language,
            logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
        )

    def _full(self, samples: Samples, language: str | None) -> Decoded:
        known = language if language in self._model.supported_languages else None
        segments, info = self._model.transcribe(
            samples,
            language=known,
            beam_size=1,
            best_of=1,
            temperature=(0.0, 0.4),
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        found = list(segments)
        return Decoded(
            text=without_repeats(" ".join(segment.text.strip() for segment in found)),
            language=info.language,
            logprob=min((segment.avg_logprob for segment in found), default=0.0),
            no_speech=max((segment.no_speech_prob for segment in found), default=1.0),
        )

    def _language(self, encoded: Any, language: str | None) -> str:  # noqa: ANN401
        if not self._model.model.is_multilingual:
            return "en"
        if language in self._model.supported_languages:
            return str(language)
        likely, _ = self._model.model.detect_language(encoded)[0][0]
        return str(likely)[2:-2]

    def _tokenizer(self, language: str) -> Any:  # noqa: ANN401  the SDK's own class
        if language not in self._tokenizers:
            sdk = required("faster_whisper.tokenizer", engine="whisper", package="faster-whisper")
            self._tokenizers[language] = sdk.Tokenizer(
                self._model.hf_tokenizer,
                self._model.model.is_multilingual,
                task="transcribe",
                language=language,
            )
        return self._tokenizers[language]


def _segments(tokens: list[int], tokenizer: Any) -> list[tuple[float, str]]:  # noqa: ANN401
    """Split tokens at their timestamps into (start in seconds, text)."""
    begin = tokenizer.timestamp_begin
    found: list[tuple[float, str]] = []
    start, words = 0.0, list[int]()
    for token in [*tokens, begin]:
        if token < begin:
            words.append(token)
            continue
        if words:
            found.append((start, tokenizer.decode(words).strip()))
            words = []
        start = (token - begin) * _SECONDS_PER_TIMESTAMP
    return found
