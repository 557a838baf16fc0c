"""What listens and speaks, chosen by the settings; building an engine starts and loads nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from services.domain.clock import Clock
from services.domain.errors import ProviderFault
from services.settings import VoiceSettings
from services.voice.clip_cache import ClipCache
from services.voice.engines.absent import AbsentEars, AbsentSpeech
from services.voice.engines.cached_speech import CachedSpeech
from services.voice.engines.conversion import ConversionTarget, VoiceConverter
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.engines.ears_choices import onnx_asr_ears, server_ears, whisper_ears
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.engines.http_endpoint import Endpoint
from services.voice.engines.model_catalog import SMART_TURN
from services.voice.engines.packaged_models import silero_model
from services.voice.engines.rvc.http_converter import RvcServer
from services.voice.engines.rvc.process_converter import RvcProcess
from services.voice.engines.setting_up import Missing, Site
from services.voice.engines.speech_choices import (
    edge_choice,
    kokoro_choice,
    piper_choice,
    server_choice,
    supertonic_choice,
)
from services.voice.listening.detectors import detector
from services.voice.listening.endpointing import TurnCompletion
from services.voice.listening.smart_turn import SmartTurn
from services.voice.listening.vad import SpeechProbability
from services.voice.recognition import SpeechToText
from services.voice.synthesis import TextToSpeech

Notices = Callable[[str, str], None]

SPEECH: Mapping[str, Callable[[Site], SpeechChoice | Missing]] = {
    "edge": edge_choice,
    "openai": server_choice,
    "supertonic": supertonic_choice,
    "piper": piper_choice,
    "kokoro": kokoro_choice,
}
"""By the names in ``voice.speech``."""

EARS: Mapping[str, Callable[[Site], SpeechToText | Missing]] = {
    "faster-whisper": whisper_ears,
    "onnx-asr": onnx_asr_ears,
    "openai": server_ears,
}
"""By the names in ``voice.ears``."""

_SMART_TURN_FILE = "smart-turn-v3.2-cpu.onnx"
_NOTHING_SPEAKS = (
    "No voice is installed here: run `make setup`, or set voice.speech_url to a speech server."
)


def build_text_to_speech(
    settings: VoiceSettings,
    *,
    data: Path,
    clock: Clock,
    on_notice: Notices,
    models: Path | None = None,
) -> TextToSpeech:
    """Return what speaks: the usable engines of ``voice.speech`` in order, one behind the other.

    Each keeps its short clips in ``clips`` of the data folder; with ``voice.rvc_model`` everything
    said is converted. ``on_notice`` hears a code and a sentence when an engine is given up for a
    while. Without any engine every use raises ``ProviderError``.
    """
    site = Site(settings=settings, data=data, models=models)
    found = {name: SPEECH[name](site) for name in settings.speech}
    choices = {name: made for name, made in found.items() if isinstance(made, SpeechChoice)}
    if not choices:
        return AbsentSpeech(_NOTHING_SPEAKS, fault=ProviderFault.UNSUPPORTED)
    if settings.clips_mb:
        clips = ClipCache(data / "clips", most_bytes=settings.clips_mb << 20)
        choices = {name: _cached(choice, name, clips) for name, choice in choices.items()}
    speech = FallbackSpeech(list(choices.values()), clock=clock, on_notice=on_notice)
    return _converted(speech, site, clock=clock, on_notice=on_notice)


def build_speech_to_text(
    settings: VoiceSettings, *, data: Path, models: Path | None = None
) -> SpeechToText | None:
    """Return what listens, ``None`` when ``voice.ears`` is ``none``.

    Where the chosen engine cannot be used, every use raises ``ProviderError``.
    """
    if settings.ears == "none":
        return None
    site = Site(settings=settings, data=data, models=models)
    ears = EARS[ears_engine(settings)](site)
    if isinstance(ears, Missing):
        sentence = f"{ears.sentence} {ears.fix}"
        return AbsentEars(sentence, fault=ProviderFault.MODEL_MISSING)
    return ears


def ears_engine(settings: VoiceSettings) -> str:
    """Return the engine that ``voice.ears`` means."""
    if settings.ears != "auto":
        return settings.ears
    return "openai" if settings.ears_url is not None else "faster-whisper"


def build_turn_completion(models: Path | None = None) -> TurnCompletion | None:
    """Return what tells ends of turns by their sound; ``None`` where its model is not installed."""
    folder = SMART_TURN.folder(models)
    return SmartTurn(folder / _SMART_TURN_FILE) if folder is not None else None


def build_probability() -> Detection:
    """Return the maker of detectors of speech, one a speaker."""
    return Detection(silero_model())


class Detection:
    """Makes detectors of speech: Silero's, or by loudness where it cannot be loaded."""

    def __init__(self, silero: Path | None) -> None:
        self._silero = silero
        self._make: Callable[[], SpeechProbability] | None = None

    async def open(self) -> None:
        """Load the model off the event loop; idempotent. Without it the first call loads it."""
        self._make = self._make or await asyncio.to_thread(detector, self._silero)

    def __call__(self) -> SpeechProbability:
        """Return a detector for one more speaker."""
        self._make = self._make or detector(self._silero)
        return self._make()


def _cached(choice: SpeechChoice, name: str, clips: ClipCache) -> SpeechChoice:
    engine = CachedSpeech(choice.engine, clips, engine=f"{name} {choice.model}")
    return replace(choice, engine=engine)


def _converted(
    speech: TextToSpeech, site: Site, *, clock: Clock, on_notice: Notices
) -> TextToSpeech:
    settings = site.settings
    if settings.rvc_model is None:
        return speech
    converter: VoiceConverter = (
        RvcServer(Endpoint(name="rvc", base_url=settings.rvc_url))
        if settings.rvc_url is not None
        else RvcProcess(site.own("rvc"), threads=settings.threads)
    )
    target = ConversionTarget(model=settings.rvc_model, pitch=settings.rvc_pitch)
    return ConvertedSpeech(speech, converter, target, clock=clock, on_notice=on_notice)
