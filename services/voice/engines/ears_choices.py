"""The engines that can listen here: how each is made from the settings, or why it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from services.voice.engines.http_endpoint import Endpoint
from services.voice.engines.model_catalog import WHISPER_BASE, WHISPER_TINY_EN
from services.voice.engines.openai_transcription import OpenAiTranscription
from services.voice.engines.packaged_models import PackagedModel
from services.voice.engines.process_engines import faster_whisper, onnx_ears
from services.voice.engines.setting_up import Missing, Site, lacking
from services.voice.engines.speech_choices import revealed
from services.voice.recognition import SpeechToText

_FETCHED: Mapping[str, tuple[PackagedModel, str]] = {
    "tiny.en": (WHISPER_TINY_EN, "make model"),
    "base": (WHISPER_BASE, "python -m services.voice.engines.packages --models languages"),
}
"""By the names they have in ``voice.ears_model``, with what fetches them."""

_USUAL = "tiny.en"
_SERVER_MODEL = "whisper-1"
_ONNX_MODEL = "nemo-parakeet-tdt-0.6b-v3"


def whisper_ears(site: Site) -> SpeechToText | Missing:
    """Return faster-whisper over the chosen model or the one that was fetched."""
    if (module := lacking("faster_whisper", "ctranslate2")) is not None:
        return Missing(
            sentence=f"Listening needs the module {module}, which is not installed.",
            fix="Run `make setup`.",
        )
    settings = site.settings
    wanted = settings.ears_model or _USUAL
    folder = _own_model(site, wanted) if settings.ears_model else None
    if folder is None:
        if wanted not in _FETCHED:
            return Missing(
                sentence=f"There is no Whisper model {wanted}.",
                fix="Put a CTranslate2 model into models/ears of the data folder, or correct "
                "voice.ears_model.",
            )
        model, command = _FETCHED[wanted]
        folder = site.fetched(model)
        if folder is None:
            return Missing(
                sentence=f"The model {model.label} is not installed, so nobody is heard.",
                fix=f"Run `{command}`, which fetches it, or set voice.ears_url to a server.",
            )
    return faster_whisper(
        folder,
        device=settings.device,
        compute_type=settings.compute_type,
        threads=settings.threads,
    )


def english_only(site: Site) -> bool:
    """Say whether ``whisper_ears`` would understand nothing but English, as its models' names do.

    That of a folder is not opened.
    """
    return Path(site.settings.ears_model or _USUAL).name.endswith(".en")


def onnx_asr_ears(site: Site) -> SpeechToText | Missing:
    """Return a model of onnx-asr; one that is not here is fetched by that package."""
    if (module := lacking("onnx_asr", "onnxruntime")) is not None:
        return Missing(
            sentence=f"onnx-asr needs the module {module}, which is not installed.",
            fix="Run `make setup`, which installs it.",
        )
    model = site.settings.ears_model or _ONNX_MODEL
    folder = _own_model(site, model)
    return onnx_ears(
        Path(model).name if folder else model, folder=folder, threads=site.settings.threads
    )


def server_ears(site: Site) -> SpeechToText | Missing:
    """Return the server with OpenAI's transcription API."""
    settings = site.settings
    if settings.ears_url is None:
        return Missing(
            sentence="No transcription server is set up.", fix="Set voice.ears_url.", chosen=True
        )
    endpoint = Endpoint(
        name="openai-transcription", base_url=settings.ears_url, key=revealed(settings.ears_key)
    )
    return OpenAiTranscription(endpoint, model=settings.ears_model or _SERVER_MODEL)


def _own_model(site: Site, name: str) -> Path | None:
    folders = (Path(name).expanduser(), site.own("ears") / name)
    return next((folder.absolute() for folder in folders if folder.is_dir()), None)
