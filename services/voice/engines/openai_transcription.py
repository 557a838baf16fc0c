"""Recognition by a server with OpenAI's ``/audio/transcriptions``, such as those of Parakeet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import aiohttp

from services.domain.audio import AudioClip
from services.voice.engines.http_endpoint import Endpoint, HttpEndpoint
from services.voice.engines.wav import wav_of
from services.voice.recognition import Transcript


class OpenAiTranscription:
    """A ``SpeechToText`` over HTTP. With ``verbose`` it asks for confidence and language too."""

    def __init__(self, endpoint: Endpoint, *, model: str, verbose: bool = False) -> None:
        self._http = HttpEndpoint(endpoint)
        self._model = model
        self._verbose = verbose

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self._http.name

    async def open(self) -> None:
        """Make ready to connect; the server is not asked."""
        await self._http.open()

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        """Return the words; cancelled, the request is ended. Raises ``ProviderError``."""
        form = aiohttp.FormData()
        form.add_field("file", wav_of(clip), filename="speech.wav", content_type="audio/wav")
        form.add_field("model", self._model)
        form.add_field("response_format", "verbose_json" if self._verbose else "json")
        if language:
            form.add_field("language", language.split("-")[0])
        answer = await self._http.json("POST", "/audio/transcriptions", data=form)
        if not isinstance(text := answer.get("text"), str):
            raise self._http.misunderstood(detail="no text")
        return Transcript(
            text=" ".join(text.split()),
            language=_tag(answer.get("language")) or language,
            confidence=_confidence(answer),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _tag(language: object) -> str | None:
    """Return a language where it is a tag; OpenAI itself answers with English names."""
    short = isinstance(language, str) and len(language.split("-")[0]) in (2, 3)
    return str(language) if short else None


def _confidence(answer: Mapping[str, Any]) -> float | None:
    segments = answer.get("segments")
    if not isinstance(segments, list):
        return None
    told = [
        float(segment["avg_logprob"])
        for segment in segments
        if isinstance(segment, dict) and isinstance(segment.get("avg_logprob"), int | float)
    ]
    return math.exp(min(0.0, sum(told) / len(told))) if told else None
