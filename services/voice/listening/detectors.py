"""Chooses a voice activity detector by what is installed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from services.domain.errors import ProviderError
from services.voice.listening.energy import EnergyProbability
from services.voice.listening.vad import SileroModel, SpeechProbability

logger = logging.getLogger(__name__)


def detector(silero: Path | None, /) -> Callable[[], SpeechProbability]:
    """Return a maker of detectors, one a speaker: Silero's, or by loudness where it cannot load.

    Loads the model, which blocks for tens of milliseconds.
    """
    if silero is None:
        return EnergyProbability
    model = SileroModel(silero)
    try:
        _ = model.session
    except ProviderError as error:
        logger.warning("speech is told by loudness alone", extra={"fault": error.fault.value})
        return EnergyProbability
    return model.speaker
