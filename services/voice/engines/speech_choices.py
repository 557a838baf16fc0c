"""The engines that can speak here: how each is made from the settings, or why it is not there."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

from services.voice.engines.fallback_speech import SpeechChoice
from services.voice.engines.http_endpoint import Endpoint
from services.voice.engines.model_catalog import KOKORO, PIPER_JOE
from services.voice.engines.openai_speech import OpenAiSpeech, SpeechRequests
from services.voice.engines.process_engines import edge, kokoro, piper, supertonic
from services.voice.engines.setting_up import Missing, Site, lacking
from services.voice.engines.supertonic_files import FETCH, missing_file, style_paths

_EDGE_SECONDS = 1.5
_SERVER_SECONDS = 3.0
_INSTRUCTED = "gpt-"
"""How the models begin that OpenAI lets be told how to sound; its older ones are not."""
_EDGE_NAME = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)+Neural")
_PIPER_NAME = re.compile(r"[a-z]{2,3}_[A-Z]{2}-.+")
_KOKORO_NAME = re.compile(r"[a-z][fm]_\w+")
_LOCAL = "Run `make setup`, which installs local voices."


def edge_choice(site: Site) -> SpeechChoice | Missing:
    """Return Edge's voices on the internet, which have 1.5 s to begin."""
    if not site.settings.online:
        return Missing(
            sentence="Edge's voices are on the internet and not allowed.",
            fix="Set voice.online to true to let them be sent what is said.",
            chosen=True,
        )
    if (module := lacking("edge_tts", "av")) is not None:
        return Missing(
            sentence=f"Edge's voices need the module {module}, which is not installed.",
            fix="Run `make setup`.",
        )
    return SpeechChoice(
        engine=edge(default_voice=site.settings.edge_voice),
        first_frame_seconds=_EDGE_SECONDS,
        model=site.settings.edge_voice,
        knows=lambda name: _EDGE_NAME.fullmatch(name) is not None,
    )


def server_choice(site: Site) -> SpeechChoice | Missing:
    """Return the server with OpenAI's speech API, which has 3 s to begin."""
    settings = site.settings
    if settings.speech_url is None:
        return Missing(
            sentence="No speech server is set up.", fix="Set voice.speech_url.", chosen=True
        )
    endpoint = Endpoint(
        name="openai-speech", base_url=settings.speech_url, key=revealed(settings.speech_key)
    )
    requests = SpeechRequests(
        model=settings.speech_model,
        voice=settings.speech_voice,
        instructed=settings.speech_model.startswith(_INSTRUCTED),
    )
    return SpeechChoice(
        engine=OpenAiSpeech(endpoint, requests),
        first_frame_seconds=_SERVER_SECONDS,
        model=f"{settings.speech_url} {settings.speech_model} {settings.speech_voice}",
        knows=lambda name: not (_EDGE_NAME.fullmatch(name) or _PIPER_NAME.fullmatch(name)),
    )


def piper_choice(site: Site) -> SpeechChoice | Missing:
    """Return Piper over the voices put here by hand and the one that was fetched."""
    if (module := lacking("piper", "onnxruntime")) is not None:
        return Missing(
            sentence=f"Piper needs the module {module}, which is not installed.", fix=_LOCAL
        )
    settings = site.settings
    own = settings.voices or site.own("voices")
    folders = [folder for folder in (own, site.fetched(PIPER_JOE)) if folder is not None]
    names = _piper_names(folders)
    if not names:
        return Missing(
            sentence="Piper has no voice.",
            fix=f"Run `make model`, or put NAME.onnx and NAME.onnx.json into {own}.",
        )
    return SpeechChoice(
        engine=piper(folders, default_voice=settings.piper_voice, threads=settings.threads),
        knows=frozenset(names).__contains__,
        model=settings.piper_voice or names[0],
    )


def kokoro_choice(site: Site) -> SpeechChoice | Missing:
    """Return Kokoro over the model put here by hand, or the one that was fetched."""
    if (module := lacking("kokoro_onnx", "onnxruntime")) is not None:
        return Missing(
            sentence=f"Kokoro needs the module {module}, which is not installed.", fix=_LOCAL
        )
    settings = site.settings
    fetched = site.fetched(KOKORO) or Path()
    model = _first_file(
        settings.kokoro_model, site.own("kokoro") / "kokoro.onnx", fetched / "kokoro.onnx"
    )
    voices = _first_file(
        settings.kokoro_voices, site.own("kokoro") / "voices.bin", fetched / "voices.npz"
    )
    if model is None or voices is None:
        return Missing(
            sentence="Kokoro has no model or no voices.",
            fix="Put kokoro.onnx and voices.bin into models/kokoro of the data folder.",
            chosen=settings.kokoro_model is None,
        )
    engine = kokoro(model, voices, default_voice=settings.kokoro_voice, threads=settings.threads)
    return SpeechChoice(engine=engine, knows=lambda name: _KOKORO_NAME.fullmatch(name) is not None)


def supertonic_choice(site: Site) -> SpeechChoice | Missing:
    """Return Supertonic over the release put here by hand."""
    folder = site.own("supertonic")
    if not folder.is_dir():
        return Missing(
            sentence="Supertonic is not here.",
            fix=f"Put the files of its release into {folder}.",
            chosen=True,
        )
    if (module := lacking("onnxruntime")) is not None:
        return Missing(
            sentence=f"Supertonic needs the module {module}, which is not installed.", fix=_LOCAL
        )
    if (absent := missing_file(folder)) is not None:
        return Missing(sentence=f"Supertonic lacks the file {folder / absent}.", fix=FETCH)
    settings = site.settings
    engine = supertonic(
        folder,
        default_voice=settings.supertonic_voice,
        steps=settings.supertonic_steps,
        threads=settings.threads,
    )
    return SpeechChoice(
        engine=engine,
        knows=frozenset(style_paths(folder)).__contains__,
        model=f"{settings.supertonic_voice} {settings.supertonic_steps}",
    )


def revealed(key: SecretStr | None) -> str | None:
    """Return a key as it is sent."""
    return None if key is None else key.get_secret_value()


def _piper_names(folders: list[Path]) -> list[str]:
    return [
        path.stem
        for folder in folders
        for path in sorted(folder.rglob("*.onnx"))
        if path.with_suffix(".onnx.json").exists()
    ]


def _first_file(chosen: Path | None, *usual: Path) -> Path | None:
    """Return what was chosen, there or not, else the first usual file that is there."""
    return chosen or next((path for path in usual if path.is_file()), None)
