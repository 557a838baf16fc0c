"""The maker of pictures that the settings name."""

from __future__ import annotations

from services.domain.errors import ConfigurationError
from services.images.automatic1111 import Automatic1111Maker
from services.images.comfyui import ComfyUiMaker
from services.images.comfyui_workflow import PLAIN, workflow_from
from services.images.maker import ImageMaker
from services.images.openai_images import OpenAiMaker
from services.net.configured import ConfiguredServer
from services.settings import ImagesSettings

_MOST_BYTES = 36_000_000  # a picture of 25 MB, and base64 around it
_LABEL = "The server that makes pictures"


def build_maker(settings: ImagesSettings) -> ImageMaker | None:
    """Return the maker, ``None`` when none is chosen; raises ``ConfigurationError``.

    Reaches the one configured server and nothing else. Reads a workflow's file.
    """
    if settings.engine == "none":
        return None
    if not settings.base_url:
        raise ConfigurationError(
            "images_address", f"images.base_url: {settings.engine} needs its server's address."
        )
    headers = {}
    if settings.api_key is not None:
        headers["Authorization"] = f"Bearer {settings.api_key.get_secret_value()}"
    server = ConfiguredServer(
        _LABEL,
        settings.base_url,
        headers=headers,
        seconds=settings.timeout_seconds,
        most_bytes=_MOST_BYTES,
    )
    match settings.engine:
        case "automatic1111":
            return Automatic1111Maker(server, model=settings.model)
        case "comfyui":
            workflow = PLAIN if settings.workflow is None else workflow_from(settings.workflow)
            if settings.workflow is None and not settings.model:
                raise ConfigurationError(
                    "images_model",
                    "images.model: ComfyUI needs the name of a checkpoint, or images.workflow.",
                )
            return ComfyUiMaker(server, workflow=workflow, model=settings.model)
        case "openai":
            return OpenAiMaker(server, base_url=settings.base_url, model=settings.model)
