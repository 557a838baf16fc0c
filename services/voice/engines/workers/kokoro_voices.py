"""Kokoro, in its own process: the speech sounds come from espeak, whose licence is the GPL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import Job, required
from services.voice.engines.wire import Header
from services.voice.engines.workers.speaking import Piece, SpeakingEngine, Wanted, sentences

_SLOWEST, _FASTEST = 0.5, 2.0
_WARM_UP = "Hello."

# By the first letter of a voice's name: espeak's language, and the tag people know.
_LANGUAGES: Mapping[str, tuple[str, str]] = {
    "a": ("en-us", "en-US"),
    "b": ("en-gb", "en-GB"),
    "e": ("es", "es"),
    "f": ("fr-fr", "fr-FR"),
    "h": ("hi", "hi"),
    "i": ("it", "it"),
    "j": ("ja", "ja"),
    "p": ("pt-br", "pt-BR"),
    "z": ("cmn", "zh"),
}
_ENGLISH = ("en-us", "en-US")
# By language: any voice reads any of them, with the accent of its own.
_TONGUES: Mapping[str, str] = {
    "en": "en-us",
    **{tag.casefold(): tongue for tongue, tag in _LANGUAGES.values()},
    **{tag.split("-")[0]: tongue for tongue, tag in _LANGUAGES.values() if tag != "en-GB"},
}


def open_kokoro(options: Header) -> SpeakingEngine:
    """Load the model and let it say a word."""
    for path in (Path(options["model"]), Path(options["voices"])):
        if not path.is_file():
            raise ProviderError(
                "kokoro",
                ProviderFault.MODEL_MISSING,
                f"There is no file {path} for Kokoro; put the model and its voices there.",
            )
    sdk = required("kokoro_onnx", engine="kokoro", package="kokoro-onnx")
    onnx = required("onnxruntime", engine="kokoro", package="onnxruntime")
    settings = onnx.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = options["threads"]
    session = onnx.InferenceSession(
        options["model"], sess_options=settings, providers=["CPUExecutionProvider"]
    )
    voices = KokoroVoices(
        sdk.Kokoro.from_session(session, options["voices"]), default=options["voice"]
    )
    voices.warm_up()
    return SpeakingEngine(voices)


class KokoroVoices:
    """Speaks a sentence at a time."""

    def __init__(self, kokoro: Any, *, default: str) -> None:  # noqa: ANN401  the SDK's own class
        self._kokoro = kokoro
        self._names: list[str] = kokoro.get_voices()
        self._default = default if default in self._names else self._names[0]

    def warm_up(self) -> None:
        """Speak once, so that the next sentence does not pay for it."""
        self._say(_WARM_UP, self._default, 1.0, None)

    def speak(self, wanted: Wanted, job: Job, /) -> Iterator[Piece]:
        """Yield a piece per sentence."""
        voice = self._name(wanted)
        speed = min(_FASTEST, max(_SLOWEST, wanted.own_speed))
        for sentence in sentences(wanted.text):
            job.check()
            yield self._say(sentence, voice, speed, wanted.language)

    def voices(self) -> list[dict[str, str]]:
        """Return the voices of the voice file."""
        return [
            {"name": name, "language": _LANGUAGES.get(name[0], _ENGLISH)[1], "description": ""}
            for name in self._names
        ]

    def _say(self, text: str, voice: str, speed: float, language: str | None) -> Piece:
        own = _LANGUAGES.get(voice[0], _ENGLISH)[0]
        tag = (language or "").casefold()
        tongue = _TONGUES.get(tag) or _TONGUES.get(tag.split("-")[0], own)
        samples, rate = self._kokoro.create(text, voice=voice, speed=speed, lang=tongue)
        return Piece(samples=np.asarray(samples, np.float32).reshape(-1), rate=int(rate))

    def _name(self, wanted: Wanted) -> str:
        """Return the voice asked for, or one of the language, or the default."""
        if wanted.voice in self._names:
            return str(wanted.voice)
        language = (wanted.language or "").casefold().split("-")[0]
        mine = [
            name
            for name in self._names
            if _LANGUAGES.get(name[0], _ENGLISH)[1].casefold().split("-")[0] == language
        ]
        return mine[0] if mine and self._default not in mine else self._default
