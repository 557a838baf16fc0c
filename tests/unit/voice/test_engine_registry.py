"""Which engines are taken: in the order of the settings, those that are there."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from services.domain.audio import AudioClip
from services.domain.errors import ProviderError, ProviderFault
from services.settings import VoiceSettings
from services.voice.engines import setting_up
from services.voice.engines.cached_speech import CachedSpeech
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.engines.model_catalog import (
    KOKORO,
    PIPER_JOE,
    SMART_TURN,
    WHISPER_BASE,
    WHISPER_TINY_EN,
)
from services.voice.engines.openai_speech import OpenAiSpeech
from services.voice.engines.openai_transcription import OpenAiTranscription
from services.voice.engines.packaged_models import PackagedModel
from services.voice.engines.process_ears import ProcessEars
from services.voice.engines.registry import (
    EARS,
    SPEECH,
    Detection,
    build_probability,
    build_speech_to_text,
    build_text_to_speech,
    build_turn_completion,
)
from services.voice.engines.setting_up import Site
from services.voice.listening.energy import EnergyProbability
from services.voice.listening.vad import SileroProbability
from services.voice.synthesis import TextToSpeech, Voice
from tests.fakes.clock import ManualClock

SPEECH_URL = "http://127.0.0.1:9/v1"


def unheard(code: str, sentence: str) -> None:
    raise AssertionError(f"{code}: {sentence}")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def fetch(models: Path, *wanted: PackagedModel) -> None:
    """Make models look fetched: files of the right sizes with holes for contents."""
    for model in wanted:
        folder = models / model.folder_name
        folder.mkdir(parents=True)
        for file in model.files:
            with (folder / file.name).open("wb") as out:
                out.truncate(file.size)


def installed(monkeypatch: pytest.MonkeyPatch, *, without: Iterable[str] = ()) -> None:
    absent = frozenset(without)
    monkeypatch.setattr(setting_up, "find_spec", lambda name: None if name in absent else object())


def engines(data: Path, models: Path, **settings: Any) -> list[str]:
    """Return the names of what speaks, in order."""
    speech = build_text_to_speech(
        VoiceSettings(**settings),
        data=data,
        clock=ManualClock(),
        on_notice=unheard,
        models=models,
    )
    assert isinstance(speech, FallbackSpeech)
    return [choice.engine.name for choice in speech._choices]


def test_every_name_of_the_settings_has_an_engine():
    assert set(VoiceSettings().speech) == set(SPEECH)
    named = set(VoiceSettings.model_fields["ears"].annotation.__args__)  # type: ignore[union-attr]
    assert named == {*EARS, "auto", "none"}


def test_by_default_what_speaks_is_on_this_machine(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(monkeypatch)
    fetch(models, PIPER_JOE, KOKORO)
    assert engines(data, models) == ["piper", "kokoro"]
    assert engines(data, models, online=True) == ["edge", "piper", "kokoro"]
    assert engines(data, models, speech_url=SPEECH_URL) == ["openai-speech", "piper", "kokoro"]
    assert engines(data, models, speech=("kokoro", "piper")) == ["kokoro", "piper"]


def test_what_is_not_installed_is_passed_over(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(monkeypatch, without=["piper", "edge_tts"])
    fetch(models, PIPER_JOE, KOKORO)
    assert engines(data, models, online=True) == ["kokoro"]


def test_only_edge_and_a_server_are_hurried(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(monkeypatch)
    fetch(models, PIPER_JOE, KOKORO)
    settings = VoiceSettings(online=True, speech_url=SPEECH_URL)
    speech = build_text_to_speech(
        settings, data=data, clock=ManualClock(), on_notice=unheard, models=models
    )
    assert isinstance(speech, FallbackSpeech)
    assert [choice.first_frame_seconds for choice in speech._choices] == [1.5, 3.0, None, None]


@pytest.mark.parametrize(("model", "told"), [("gpt-4o-mini-tts", True), ("kokoro", False)])
def test_only_models_that_take_instructions_are_told_the_mood_in_words(
    data: Path, models: Path, model: str, told: bool
):
    site = Site(
        settings=VoiceSettings(speech_url=SPEECH_URL, speech_model=model), data=data, models=models
    )
    choice = SPEECH["openai"](site)
    assert isinstance(choice, SpeechChoice)
    assert isinstance(choice.engine, OpenAiSpeech)
    assert choice.engine._requests.instructed is told


async def test_without_any_engine_each_use_says_what_to_do(data: Path, models: Path):
    speech: TextToSpeech = build_text_to_speech(
        VoiceSettings(), data=data, clock=ManualClock(), on_notice=unheard, models=models
    )
    with pytest.raises(ProviderError, match="make setup"):
        await speech.open()
    with pytest.raises(ProviderError, match="make setup"):
        await speech.voices()
    async with aclosing(speech.synthesize("Hello.", voice=Voice())) as frames:
        with pytest.raises(ProviderError, match="make setup"):
            await anext(frames)
    await speech.close()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("en-GB-SoniaNeural", "edge"),
        ("zh-CN-liaoning-XiaobeiNeural", "edge"),
        ("en_US-joe-medium", "piper"),
        ("jf_alpha", "kokoro"),
        ("nobody", "edge"),
        (None, "edge"),
    ],
)
def test_the_engine_that_knows_a_voice_speaks_it(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch, name: str | None, first: str
):
    installed(monkeypatch)
    fetch(models, PIPER_JOE, KOKORO)
    speech = build_text_to_speech(
        VoiceSettings(online=True),
        data=data,
        clock=ManualClock(),
        on_notice=unheard,
        models=models,
    )
    assert isinstance(speech, FallbackSpeech)
    assert speech._choices[speech._order(name)[0]].engine.name == first


def test_own_voices_come_before_the_fetched_one(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(monkeypatch)
    fetch(models, PIPER_JOE)
    own = data / "models" / "voices"
    own.mkdir(parents=True)
    for name in ("en_GB-alba-low.onnx", "en_GB-alba-low.onnx.json"):
        (own / name).write_bytes(b"")
    speech = build_text_to_speech(
        VoiceSettings(speech=("piper",)),
        data=data,
        clock=ManualClock(),
        on_notice=unheard,
        models=models,
    )
    assert isinstance(speech, FallbackSpeech)
    (choice,) = speech._choices
    assert choice.model == "en_GB-alba-low"
    assert choice.knows is not None
    assert choice.knows("en_GB-alba-low")
    assert choice.knows("en_US-joe-medium")
    assert not choice.knows("en_GB-nobody-low")


def test_clips_are_kept_unless_there_is_no_room(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(monkeypatch)
    fetch(models, PIPER_JOE)
    for mb, cached in ((64, True), (0, False)):
        speech = build_text_to_speech(
            VoiceSettings(clips_mb=mb),
            data=data,
            clock=ManualClock(),
            on_notice=unheard,
            models=models,
        )
        assert isinstance(speech, FallbackSpeech)
        assert isinstance(speech._choices[0].engine, CachedSpeech) is cached


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"])
def test_a_voice_of_rvc_is_put_over_all_engines(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch, url: str | None
):
    installed(monkeypatch)
    fetch(models, PIPER_JOE)
    speech = build_text_to_speech(
        VoiceSettings(rvc_model="nora", rvc_url=url, rvc_pitch=3),
        data=data,
        clock=ManualClock(),
        on_notice=unheard,
        models=models,
    )
    assert isinstance(speech, ConvertedSpeech)
    assert speech.name == "piper+rvc:nora"


def test_ears_are_those_of_the_settings(data: Path, models: Path, monkeypatch: pytest.MonkeyPatch):
    installed(monkeypatch)
    fetch(models, WHISPER_TINY_EN)

    def ears(**settings: Any) -> str | None:
        made = build_speech_to_text(VoiceSettings(**settings), data=data, models=models)
        return made.name if made is not None else None

    assert ears() == "whisper"
    assert ears(ears_url=SPEECH_URL) == "openai-transcription"
    assert ears(ears_url=SPEECH_URL, ears="faster-whisper") == "whisper"
    assert ears(ears="onnx-asr") == "onnx-asr"
    assert ears(ears="none") is None


@pytest.mark.parametrize("place", ["named", "path"])
def test_a_model_of_ones_own_is_taken(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch, place: str
):
    installed(monkeypatch)
    own = data / "models" / "ears" / "small"
    own.mkdir(parents=True)
    wanted = "small" if place == "named" else str(own)
    made = build_speech_to_text(VoiceSettings(ears_model=wanted), data=data, models=models)
    assert isinstance(made, ProcessEars)
    assert made._process._spec.options["model"] == str(own)


@pytest.mark.parametrize(
    ("wanted", "folder"),
    [(None, "whisper-tiny.en"), ("tiny.en", "whisper-tiny.en"), ("base", "whisper-base")],
)
def test_fetched_models_are_named_and_the_english_one_is_usual(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch, wanted: str | None, folder: str
):
    installed(monkeypatch)
    fetch(models, WHISPER_TINY_EN, WHISPER_BASE)
    made = build_speech_to_text(VoiceSettings(ears_model=wanted), data=data, models=models)
    assert isinstance(made, ProcessEars)
    assert made._process._spec.options["model"] == str(models / folder)


def test_a_model_of_ones_own_comes_before_the_fetched_one_of_its_name(
    data: Path, models: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(monkeypatch)
    fetch(models, WHISPER_BASE)
    own = data / "models" / "ears" / "base"
    own.mkdir(parents=True)
    made = build_speech_to_text(VoiceSettings(ears_model="base"), data=data, models=models)
    assert isinstance(made, ProcessEars)
    assert made._process._spec.options["model"] == str(own)


@pytest.mark.parametrize(
    ("settings", "without", "says"),
    [
        ({}, [], "make model"),
        ({}, ["faster_whisper"], "make setup"),
        ({"ears": "onnx-asr"}, ["onnx_asr"], "make setup"),
        ({"ears": "openai"}, [], "voice.ears_url"),
        ({"ears_model": "absent"}, [], "models/ears"),
        ({"ears_model": "base"}, [], "--models languages"),
    ],
)
async def test_ears_that_cannot_be_used_say_what_to_do(
    data: Path,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    without: list[str],
    says: str,
):
    installed(monkeypatch, without=without)
    ears = build_speech_to_text(VoiceSettings(**settings), data=data, models=models)
    assert ears is not None
    with pytest.raises(ProviderError, match=says):
        await ears.open()
    with pytest.raises(ProviderError, match=says) as caught:
        await ears.transcribe(AudioClip(pcm=b"", rate=16000))
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    await ears.close()


def test_a_key_reaches_the_server_and_nothing_else(data: Path, models: Path):
    settings = VoiceSettings(ears_url=SPEECH_URL, ears_key=SecretStr("s3cret"))
    ears = build_speech_to_text(settings, data=data, models=models)
    assert isinstance(ears, OpenAiTranscription)
    assert ears._http._endpoint.key == "s3cret"
    assert "s3cret" not in repr(ears._http._endpoint)


async def test_ends_of_turns_are_judged_by_the_fetched_model(models: Path):
    assert build_turn_completion(models) is None
    completion = build_turn_completion(SMART_TURN.verified().parent)
    assert completion is not None
    assert 0 <= await completion.probability(np.zeros(16000, np.float32)) <= 1


async def test_the_detector_is_loaded_ahead_or_at_the_first_speaker():
    ahead = build_probability()
    await ahead.open()
    assert isinstance(ahead(), SileroProbability)
    assert isinstance(build_probability()(), SileroProbability)
    assert isinstance(Detection(None)(), EnergyProbability)
