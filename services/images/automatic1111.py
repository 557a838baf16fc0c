"""Pictures by AUTOMATIC1111's web UI, or what speaks its API."""

from __future__ import annotations

import base64

from services.images.answers import decoded, listed
from services.images.maker import PictureRequest
from services.net.configured import ConfiguredServer

_CHANGE = 0.6  # how far a picture to go on from may be left


class Automatic1111Maker:
    """Asks ``/sdapi/v1/txt2img``, and ``img2img`` where there is a picture to go on from."""

    def __init__(self, server: ConfiguredServer, *, model: str | None = None) -> None:
        self._server = server
        self._model = model

    async def make(self, request: PictureRequest, /) -> bytes:
        """Return a picture; raises ``ProviderError``."""
        payload: dict[str, object] = {
            "prompt": request.prompt,
            "negative_prompt": request.negative,
            "width": request.width,
            "height": request.height,
            "steps": request.steps,
            "seed": request.seed,
            "batch_size": 1,
            "n_iter": 1,
            "save_images": False,
        }
        if self._model:
            payload["override_settings"] = {"sd_model_checkpoint": self._model}
        path = "sdapi/v1/txt2img"
        if request.start is not None:
            path = "sdapi/v1/img2img"
            payload["init_images"] = [base64.b64encode(request.start).decode()]
            payload["denoising_strength"] = _CHANGE
        answer = await self._server.post_json(path, payload)
        images = listed(answer, "images")
        if not images:
            raise self._server.malformed()
        return decoded(images[0], self._server)
