"""Pictures by OpenAI's images API, or what speaks it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from services.domain.errors import InvalidRequest
from services.images.answers import decoded, listed
from services.images.maker import PictureRequest
from services.net.configured import ConfiguredServer

_WITHOUT_FORMAT = ("gpt-image", "chatgpt-image")  # always base64; `response_format` is an error


class OpenAiMaker:
    """Asks ``images/generations`` below the address.

    A picture that is answered as an address is fetched only where it lies on the same server.
    """

    def __init__(self, server: ConfiguredServer, *, base_url: str, model: str | None) -> None:
        self._server = server
        self._base = urlsplit(base_url)
        self._model = model

    async def make(self, request: PictureRequest, /) -> bytes:
        """Return a picture; raises ``ProviderError``, ``InvalidRequest`` with one to go on from."""
        if request.start is not None:
            raise InvalidRequest(
                "picture_start", "This server cannot go on from a picture; describe what you want."
            )
        payload: dict[str, object] = {
            "prompt": request.prompt,
            "n": 1,
            "size": f"{request.width}x{request.height}",
        }
        if self._model:
            payload["model"] = self._model
        if not (self._model or "").startswith(_WITHOUT_FORMAT):
            payload["response_format"] = "b64_json"
        data = listed(await self._server.post_json("images/generations", payload), "data")
        found = data[0] if data else None
        if not isinstance(found, Mapping):
            raise self._server.malformed()
        if "b64_json" in found:
            return decoded(found["b64_json"], self._server)
        return await self._fetched(found.get("url"))

    async def _fetched(self, url: object) -> bytes:
        if not isinstance(url, str):
            raise self._server.malformed()
        if url.startswith("data:"):
            return decoded(url, self._server)
        there, base = urlsplit(url), self._base.path.rstrip("/")
        same = (there.scheme, there.netloc) == (self._base.scheme, self._base.netloc)
        if not same or not there.path.startswith(f"{base}/"):
            raise self._server.malformed()
        return (await self._server.get(there.path[len(base) + 1 :])).body
