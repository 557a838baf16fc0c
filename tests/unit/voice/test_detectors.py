"""Detectors of speech and of ends of turns; with the real models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.model_catalog import SMART_TURN
from services.voice.engines.packaged_models import silero_model
from services.voice.listening.detectors import detector
from services.voice.listening.energy import EnergyProbability
from services.voice.listening.mel import log_mel
from services.voice.listening.samples import SAMPLE_RATE, WINDOW, Samples, to_samples
from services.voice.listening.smart_turn import SmartTurn
from services.voice.listening.vad import SileroModel, SileroProbability
from tests.fakes.speech import hush, tone


def silero_path() -> Path:
    path = silero_model()
    assert path is not None, "run make test, which installs faster-whisper"
    return path


def smart_turn_path() -> Path:
    return SMART_TURN.verified() / "smart-turn-v3.2-cpu.onnx"


def windows(samples: Samples) -> list[Samples]:
    whole = len(samples) // WINDOW * WINDOW
    return list(samples[:whole].reshape(-1, WINDOW))


def vowel(seconds: float) -> Samples:
    """A buzz of 120 Hz through the resonances of an "ah", swelling four times a second."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros_like(moments)
    for harmonic in range(1, 40):
        hertz = 120.0 * harmonic * (1 + 0.01 * np.sin(2 * np.pi * 5 * moments))
        strength = sum(
            np.exp(-(((120 * harmonic - peak) / 120) ** 2)) for peak in (700, 1200, 2600)
        )
        sound += (strength + 0.02) * np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE)
    envelope = 0.55 - 0.45 * np.cos(2 * np.pi * 4 * moments)
    return np.asarray(0.2 * sound / np.abs(sound).max() * envelope, dtype=np.float32)


def test_loudness_tells_a_voice_from_a_room_and_learns_a_fan():
    detect = EnergyProbability()
    assert max(map(detect, windows(to_samples(hush(2.0))))) < 0.5
    assert np.mean([detect(window) > 0.5 for window in windows(vowel(1.0))]) > 0.7
    noise = np.random.default_rng(3).normal(0, 0.004, 12 * SAMPLE_RATE).astype(np.float32)
    fan = [detect(window) for window in windows(noise)]
    assert max(fan[-30:]) < 0.2
    assert np.mean([detect(window) > 0.5 for window in windows(vowel(1.0))]) > 0.5


@pytest.mark.parametrize("window", [np.zeros(WINDOW), np.ones(WINDOW), np.zeros(0)])
def test_loudness_is_a_probability_whatever_comes(window: Samples):
    detect = EnergyProbability()
    for _ in range(50):
        assert 0 <= detect(window.astype(np.float32)) <= 1


def test_without_a_model_loudness_decides(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    for path in (None, tmp_path / "missing.onnx", broken):
        assert isinstance(detector(path)(), EnergyProbability)
    assert len(caplog.records) == 2


async def test_a_missing_model_is_an_error_that_says_what_to_do(tmp_path: Path):
    with pytest.raises(ProviderError) as caught:
        await SmartTurn(tmp_path / "missing.onnx").probability(vowel(1.0))
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "install" in caught.value.user_message


def test_features_put_a_tone_where_its_pitch_is():
    peaks = [
        int(np.argmax(log_mel(to_samples(tone(hertz, 1.0)))[:, 50]))
        for hertz in (250, 1000, 2000, 4000, 7000)
    ]
    assert peaks == sorted(set(peaks))
    # Slaney's scale: 15 of its 45.25 mels up to 8 kHz lie below 1 kHz.
    assert peaks[1] == pytest.approx(15 / 45.25 * 81 - 1, abs=1)


def test_features_have_the_shape_and_range_the_model_takes():
    features = log_mel(vowel(8.0))
    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    assert features.max() - features.min() <= 2.0 + 1e-6
    assert np.ptp(log_mel(np.zeros(SAMPLE_RATE, dtype=np.float32))) == 0


def test_silero_hears_a_voice_and_not_a_room():
    silero = SileroModel(silero_path())
    voice = [silero.speaker()(window) for window in windows(to_samples(hush(0.5)))]
    assert max(voice) < 0.3
    detect = silero.speaker()
    assert max(map(detect, windows(vowel(2.0)))) > 0.5


def test_speakers_of_one_model_do_not_disturb_each_other():
    silero = SileroModel(silero_path())
    sound = windows(vowel(1.0))
    alone = list(map(silero.speaker(), sound))
    one, other = silero.speaker(), silero.speaker()
    together = []
    for window in sound:
        together.append(one(window))
        other(np.zeros(WINDOW, dtype=np.float32))
    assert together == pytest.approx(alone)
    one.reset()
    assert list(map(one, sound)) == pytest.approx(alone)


def test_a_found_model_is_used():
    assert isinstance(detector(silero_path())(), SileroProbability)


@pytest.mark.parametrize("seconds", [0.1, 3.0, 20.0])
async def test_smart_turn_judges_sound_of_any_length(seconds: float):
    smart_turn = SmartTurn(smart_turn_path())
    assert 0 <= await smart_turn.probability(vowel(seconds)) <= 1
    later = np.concatenate((np.zeros(20 * SAMPLE_RATE, dtype=np.float32), vowel(9.0)))
    assert smart_turn.judge(later) == pytest.approx(smart_turn.judge(later[-8 * SAMPLE_RATE :]))
