"""Supertonic from its files to its sound, over networks that this test makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.configuration import load_settings
from services.doctor.check import Case, Finding
from services.doctor.examination import examine
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.settings import StorageSettings, VoiceSettings
from services.voice.call_events import AnswerEnded
from services.voice.engines.fallback_speech import FallbackSpeech
from services.voice.engines.process_engines import supertonic
from services.voice.engines.process_speech import ProcessSpeech
from services.voice.engines.registry import build_text_to_speech
from services.voice.pcm import from_pcm
from services.voice.synthesis import TextToSpeech, Voice
from tests.contracts.speech_contract import SpeechContract, lasting, spoken
from tests.fakes import speech as people
from tests.fakes.live_call import live_call
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.tiny_supertonic import RATE, VOICES, style, tiny_supertonic

pytestmark = pytest.mark.timeout(120)
TEXT = "Good morning."
TAGS = len("<en></en>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_supertonic(tmp_path / "models" / "supertonic")


@pytest.fixture
async def speech(folder: Path):
    engine = supertonic(folder)
    yield engine
    await engine.close()


class TestSupertonic(SpeechContract):
    """What every engine does."""


def loudness(frames) -> float:
    return float(np.median(from_pcm(b"".join(frame.pcm for frame in frames))))


async def test_each_voice_has_its_pace_and_its_sound(speech: ProcessSpeech):
    for name, (pace, level) in VOICES.items():
        frames = await spoken(speech, TEXT, voice=Voice(name=name))
        assert {frame.rate for frame in frames} == {RATE}
        assert lasting(frames) == pytest.approx((len(TEXT) + TAGS) * pace / 1.05, abs=0.02)
        assert loudness(frames) == pytest.approx(level, abs=0.01)
    assert [voice.name for voice in await speech.voices()] == ["F1", "M1"]


async def test_an_unknown_voice_is_the_default(speech: ProcessSpeech, folder: Path):
    frames = await spoken(speech, TEXT, voice=Voice(name="nobody"))
    assert loudness(frames) == pytest.approx(VOICES["F1"][1], abs=0.01)
    other = supertonic(folder, default_voice="M1")
    frames = await spoken(other, TEXT)
    await other.close()
    assert loudness(frames) == pytest.approx(VOICES["M1"][1], abs=0.01)


@pytest.mark.parametrize("steps", [1, 7])
async def test_the_noise_is_gone_after_all_steps(folder: Path, steps: int):
    engine = supertonic(folder, steps=steps)
    frames = await spoken(engine, TEXT)
    await engine.close()
    samples = from_pcm(b"".join(frame.pcm for frame in frames))
    assert np.ptp(samples) < 0.001


def _cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def _swap(folder: Path) -> None:
    (folder / "onnx/vocoder.onnx").replace(folder / "onnx/text_encoder.onnx")
    (folder / "onnx/vector_estimator.onnx").replace(folder / "onnx/vocoder.onnx")
    (folder / "onnx/vector_estimator.onnx").write_bytes(b"")


def _slow(folder: Path) -> None:
    style(folder, "F1", pace=float("nan"), loudness=0.2)


BROKEN = [
    (_cut("onnx/vocoder.onnx"), ProviderFault.MODEL_MISSING, "onnx/vocoder.onnx"),
    (_cut("onnx/unicode_indexer.json"), ProviderFault.MODEL_MISSING, "unicode_indexer.json"),
    (_write("onnx/vocoder.onnx", "no network"), ProviderFault.MALFORMED, "onnx/vocoder.onnx"),
    (_write("onnx/tts.json", "{"), ProviderFault.MALFORMED, "tts.json"),
    (_write("onnx/tts.json", json.dumps({"ae": {}})), ProviderFault.MALFORMED, "tts.json"),
    (_write("onnx/tts.json", "[]"), ProviderFault.MALFORMED, "tts.json"),
    (_write("onnx/unicode_indexer.json", "{}"), ProviderFault.MALFORMED, "unicode_indexer"),
    (_write("voice_styles/F1.json", "{}"), ProviderFault.MALFORMED, "voice_styles/F1.json"),
    (_slow, ProviderFault.MALFORMED, "voice_styles/F1.json"),
    (_swap, ProviderFault.MALFORMED, "onnx/text_encoder.onnx"),
]


@pytest.mark.parametrize(("damage", "fault", "says"), BROKEN)
async def test_a_broken_release_is_a_typed_error_that_names_the_file(
    folder: Path, damage: Callable[[Path], object], fault: ProviderFault, says: str
):
    damage(folder)
    engine = supertonic(folder)
    with pytest.raises(ProviderError) as caught:
        await engine.open()
    await engine.close()
    assert caught.value.fault is fault
    assert says in caught.value.user_message


async def test_without_any_voice_it_says_where_they_belong(folder: Path):
    for path in (folder / "voice_styles").iterdir():
        path.unlink()
    engine = supertonic(folder)
    with pytest.raises(ProviderError, match=r"voice_styles/F1\.json"):
        await engine.open()
    await engine.close()


def built(data: Path, **settings) -> TextToSpeech:
    return build_text_to_speech(
        VoiceSettings(**settings),
        data=data,
        clock=SystemClock(),
        on_notice=lambda code, sentence: None,
        models=data / "none-fetched",
    )


async def test_a_release_in_the_data_folder_speaks_in_a_call(folder: Path, tmp_path: Path):
    speech = built(tmp_path)
    assert isinstance(speech, FallbackSpeech)
    assert speech.name == "supertonic"
    async with live_call(tmp_path, ScriptedModel(TEXT), speech=speech) as live:
        await live.people.say(people.spoken("apple", "boat"))
        assert (await live.comes(AnswerEnded)).whole
        assert live.loudspeaker.sounding()
    await speech.close()


@pytest.mark.parametrize("settings", [{}, {"speech": ("supertonic",)}])
def test_without_a_release_nothing_of_it_is_used(tmp_path: Path, settings):
    assert built(tmp_path, **settings).name != "supertonic"


async def found(data: Path, **environ: str) -> Finding:
    case = Case(
        settings=load_settings(overrides={"storage.data": data}, environ=environ, cwd=data),
        storage=StorageSettings(data=data),
        environ=environ,
        cwd=data,
        clock=SystemClock(),
    )
    (finding,) = [each for each in await examine(case) if each.check == "voice_supertonic"]
    return finding


async def test_the_doctor_lets_it_speak(folder: Path, tmp_path: Path):
    assert (await found(tmp_path)).status == "ok"
    (folder / "onnx" / "vocoder.onnx").write_text("no network")
    finding = await found(tmp_path)
    assert finding.status == "warning"
    assert "vocoder.onnx cannot be used" in finding.sentence
    assert "Download" in (finding.fix or "")
    (folder / "onnx" / "vocoder.onnx").unlink()
    finding = await found(tmp_path)
    assert finding.status == "warning"
    assert "lacks the file" in finding.sentence
    assert "Download" in (finding.fix or "")


async def test_the_doctor_does_not_miss_what_nobody_wanted(tmp_path: Path):
    assert (await found(tmp_path)).status == "skipped"
    tiny_supertonic(tmp_path / "models" / "supertonic")
    assert (await found(tmp_path, ACORE_VOICE__SPEECH="piper")).status == "skipped"
