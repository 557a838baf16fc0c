"""Speech from a server with OpenAI's ``/audio/speech``, such as Kokoro-FastAPI."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from services.domain.audio import AudioFrame
from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.http_endpoint import Endpoint, HttpEndpoint
from services.voice.engines.pcm import SpeechShaper
from services.voice.engines.prosody import prosody_of
from services.voice.engines.wav import PcmStream, WavError
from services.voice.pcm import from_pcm
from services.voice.synthesis import Voice, VoiceListing

_SLOWEST, _FASTEST = 0.25, 4.0
_RATE = 24000
_SOME_BYTES = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequests:
    """What every request says; ``rate`` is that of bare samples, in Hz.

    ``form`` is ``pcm`` or ``wav``. With ``instructed`` the server is told of the mood in words,
    which few understand; otherwise it colours speed and pitch.
    """

    model: str
    voice: str
    form: str = "pcm"
    rate: int = _RATE
    instructed: bool = False


class OpenAiSpeech:
    """A ``TextToSpeech`` over HTTP; the pitch is moved here, which no such server can do."""

    def __init__(self, endpoint: Endpoint, requests: SpeechRequests) -> None:
        self._http = HttpEndpoint(endpoint)
        self._requests = requests

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self._http.name

    async def open(self) -> None:
        """Make ready to connect; the server is not asked."""
        await self._http.open()

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the speech as it arrives; closing ends the request. Raises ``ProviderError``."""
        at = 0.0
        body = self._body(text, voice)
        async with (
            self._http.request("POST", "/audio/speech", json=body) as response,
            aclosing(self._spoken(response.content.iter_any(), voice)) as spoken,
        ):
            async for pcm, rate in spoken:
                frame = AudioFrame(pcm=pcm, rate=rate, channels=1, started_at=at)
                at += frame.seconds
                yield frame

    async def voices(self) -> Sequence[VoiceListing]:
        """List what the server has, or the one configured where it does not say."""
        try:
            found = await self._http.json("GET", "/audio/voices")
        except ProviderError as error:
            if error.fault not in (ProviderFault.MODEL_MISSING, ProviderFault.REJECTED):
                raise
            found = {}
        listed = [_listing(entry) for entry in found.get("voices", ())]
        return listed or [_listing(self._requests.voice)]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _body(self, text: str, voice: Voice) -> dict[str, Any]:
        prosody = prosody_of(self._uncoloured(voice))
        body: dict[str, Any] = {
            "model": self._requests.model,
            "voice": voice.name or self._requests.voice,
            "input": text,
            "response_format": self._requests.form,
            "speed": round(min(_FASTEST, max(_SLOWEST, prosody.speed / prosody.pitch)), 3),
        }
        if self._requests.instructed and voice.mood:
            body["instructions"] = f"Sound {voice.mood}."
        return body

    def _uncoloured(self, voice: Voice) -> Voice:
        if not self._requests.instructed:
            return voice
        return Voice(name=voice.name, speed=voice.speed, pitch=voice.pitch, language=voice.language)

    async def _spoken(
        self, parts: AsyncIterator[bytes], voice: Voice
    ) -> AsyncGenerator[tuple[bytes, int], None]:
        stream = PcmStream(rate=self._requests.rate)
        pitch = prosody_of(self._uncoloured(voice)).pitch
        shaper: SpeechShaper | None = None
        held = b""
        async for part in parts:
            held += self._read(stream, part)
            if len(held) < _SOME_BYTES:
                continue
            shaper = shaper or SpeechShaper(stream.rate, pitch=pitch)
            for pcm in shaper.feed(from_pcm(held)):
                yield pcm, stream.rate
            held = b""
        shaper = shaper or SpeechShaper(stream.rate, pitch=pitch)
        for pcm in (*shaper.feed(from_pcm(held)), *shaper.flush()):
            yield pcm, stream.rate

    def _read(self, stream: PcmStream, part: bytes) -> bytes:
        try:
            return stream.feed(part)
        except WavError as error:
            raise self._http.misunderstood(detail=str(error)) from error


def _listing(entry: object) -> VoiceListing:
    if isinstance(entry, dict):
        name = str(entry.get("id") or entry.get("name") or "")
        return VoiceListing(name=name, language=str(entry.get("language") or "und"))
    return VoiceListing(name=str(entry), language="und")
