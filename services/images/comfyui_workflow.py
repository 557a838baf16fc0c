"""ComfyUI workflows: a plain one, and filling one for a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from services.domain.errors import ConfigurationError
from services.images.maker import PictureRequest

PLAIN: Mapping[str, object] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": "%seed%",
            "steps": "%steps%",
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "%model%"}},
    "5": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": "%width%", "height": "%height%", "batch_size": 1},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "%prompt%", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "%negative%", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "acore", "images": ["8", 0]}},
}
"""Text to picture with one checkpoint; what is in percent signs is filled in."""

_BLANK = re.compile(r"%(prompt|negative|model|width|height|steps|seed)%")
_LARGEST = 1_000_000


def workflow_from(path: Path) -> Mapping[str, object]:
    """Return the workflow in a JSON file; blocking. Raises ``ConfigurationError``."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("too large")  # noqa: TRY003, TRY301
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(path) from error
    nodes = found.values() if isinstance(found, dict) else ()
    if not nodes or not all(isinstance(node, dict) and "class_type" in node for node in nodes):
        raise _unusable(path)
    if "%prompt%" not in json.dumps(found):
        raise ConfigurationError(
            "images_workflow", f"images.workflow: {path} has no %prompt% to put the words."
        )
    return dict(found)


def filled(
    workflow: Mapping[str, object], request: PictureRequest, *, model: str
) -> Mapping[str, object]:
    """Return ``workflow`` with its blanks filled; words never become anything but text in it."""
    values: Mapping[str, str | int] = {
        "prompt": request.prompt,
        "negative": request.negative,
        "model": model,
        "width": request.width,
        "height": request.height,
        "steps": request.steps,
        "seed": request.seed,
    }

    def fill(value: object) -> object:
        if isinstance(value, str):
            alone = _BLANK.fullmatch(value)
            if alone is not None:
                return values[alone[1]]
            return _BLANK.sub(lambda blank: str(values[blank[1]]), value)
        if isinstance(value, Mapping):
            return {key: fill(item) for key, item in value.items()}
        return [fill(item) for item in value] if isinstance(value, list) else value

    return {key: fill(value) for key, value in workflow.items()}


def _unusable(path: Path) -> ConfigurationError:
    return ConfigurationError(
        "images_workflow",
        f"images.workflow: {path} is no ComfyUI workflow in API format; export it as such.",
    )
