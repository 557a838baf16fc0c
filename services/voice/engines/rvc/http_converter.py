"""RVC voices on a server with ``rvc-python``'s routes ``/models``, ``/params`` and ``/convert``."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

from services.domain.audio import AudioClip
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.http_endpoint import Endpoint, HttpEndpoint
from services.voice.engines.wav import WavError, clip_of, wav_of


class RvcServer:
    """A ``VoiceConverter`` over HTTP.

    Such a server has one voice loaded at a time, so conversions take turns, and a change of voice
    loads it first.
    """

    name = "rvc"

    def __init__(self, endpoint: Endpoint) -> None:
        self._http = HttpEndpoint(endpoint)
        self._turn = asyncio.Lock()
        self._loaded: ConversionTarget | None = None

    async def open(self) -> None:
        """Make ready to connect; the server is not asked."""
        await self._http.open()

    async def convert(self, clip: AudioClip, /, *, target: ConversionTarget) -> AudioClip:
        """Return the clip in the other voice. Raises ``ProviderError``."""
        async with self._turn:
            await self._select(target)
            body = {"audio_data": base64.b64encode(wav_of(clip)).decode()}
            async with self._http.request("POST", "/convert", json=body) as response:
                data = await response.read()
        try:
            return clip_of(data)
        except WavError as error:
            raise self._http.misunderstood(detail=str(error)) from error

    async def models(self) -> Sequence[str]:
        """List the server's voices. Raises ``ProviderError``."""
        found = await self._http.json("GET", "/models")
        return [str(name) for name in found.get("models", ())]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _select(self, target: ConversionTarget) -> None:
        if self._loaded == target:
            return
        before, self._loaded = self._loaded, None
        if before is None or before.model != target.model:
            async with self._http.request("POST", f"/models/{target.model}"):
                pass
        parameters = {"params": {"f0up_key": round(target.pitch)}}
        async with self._http.request("POST", "/params", json=parameters):
            pass
        self._loaded = target
