"""What every engine of voice does; those over HTTP are in the integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.audio import AudioClip
from services.voice.clip_cache import ClipCache
from services.voice.engines.cached_speech import CachedSpeech
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.engines.model_catalog import (
    KOKORO,
    PIPER_JOE,
    WHISPER_BASE,
    WHISPER_TINY_EN,
)
from services.voice.engines.process_engines import faster_whisper, kokoro, piper
from services.voice.engines.process_speech import ProcessSpeech
from services.voice.pcm import from_pcm, resampled, to_pcm
from services.voice.synthesis import Voice
from tests.contracts.speech_contract import SENTENCE, EarsContract, SpeechContract, spoken
from tests.fakes.clock import ManualClock
from tests.fakes.voice_engines import FakeConverter, FakeEars, FakeSpeech, sine


def unheard(code: str, sentence: str) -> None:
    raise AssertionError(f"{code}: {sentence}")


class TestFakeSpeech(SpeechContract):
    @pytest.fixture
    async def speech(self):
        return FakeSpeech()


class TestFallbackSpeech(SpeechContract):
    @pytest.fixture
    async def speech(self, clock: ManualClock):
        late = FakeSpeech(name="late", first_seconds=3600)
        choices = [
            SpeechChoice(engine=late, first_frame_seconds=0.01),
            SpeechChoice(engine=FakeSpeech(name="local")),
        ]
        yield FallbackSpeech(choices, clock=clock, on_notice=lambda code, sentence: None)
        assert late.active == 0


class TestCachedSpeech(SpeechContract):
    @pytest.fixture
    async def speech(self, tmp_path: Path):
        return CachedSpeech(FakeSpeech(), ClipCache(tmp_path, most_bytes=1 << 24))


class TestConvertedSpeech(SpeechContract):
    @pytest.fixture
    async def speech(self, clock: ManualClock):
        return ConvertedSpeech(
            FakeSpeech(rate=22050),
            FakeConverter(clock),
            ConversionTarget(model="nora"),
            clock=clock,
            on_notice=unheard,
        )


@pytest.mark.timeout(120)
class TestPiper(SpeechContract):
    @pytest.fixture
    async def speech(self):
        engine = piper([PIPER_JOE.verified()], noise=0)
        yield engine
        await engine.close()


@pytest.fixture
async def kokoro_speech():
    folder = KOKORO.verified()
    engine = kokoro(folder / "kokoro.onnx", folder / "voices.npz")
    yield engine
    await engine.close()


@pytest.mark.timeout(120)
async def test_kokoro_speaks_with_a_voice_it_has(kokoro_speech: ProcessSpeech):
    listed = {voice.name: voice.language for voice in await kokoro_speech.voices()}
    assert listed["jf_alpha"] == "ja"
    frames = await spoken(kokoro_speech, "Hello, my dear.", voice=Voice(name="nobody"))
    assert sum(frame.seconds for frame in frames) > 0.5


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestKokoro(SpeechContract):
    sentence = "Hello, my dear."
    long = " ".join([sentence] * 5)

    @pytest.fixture
    async def speech(self, kokoro_speech: ProcessSpeech):
        return kokoro_speech


class TestFakeEars(EarsContract):
    @pytest.fixture
    async def ears(self):
        return FakeEars()

    @pytest.fixture
    async def clip(self):
        return AudioClip(pcm=sine(220, 1, 16000), rate=16000)


@pytest.fixture
async def clip():
    engine = piper([PIPER_JOE.verified()], noise=0)
    frames = await spoken(engine, SENTENCE)
    await engine.close()
    samples = from_pcm(b"".join(frame.pcm for frame in frames))
    pcm = to_pcm(resampled(samples, rate=frames[0].rate, wanted=16000))
    return AudioClip(pcm=pcm, rate=16000)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("short_windows", [True, False], ids=["short", "full"])
class TestWhisper(EarsContract):
    words = "how are you doing today"

    @pytest.fixture
    async def ears(self, short_windows: bool):
        engine = faster_whisper(WHISPER_TINY_EN.verified(), short_windows=short_windows)
        yield engine
        await engine.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("told", "heard"), [(None, "en"), ("es-MX", "es")])
async def test_the_model_for_many_languages_says_which_it_took(
    clip: AudioClip, told: str | None, heard: str
):
    engine = faster_whisper(WHISPER_BASE.verified())
    transcript = await engine.transcribe(clip, language=told)
    await engine.close()
    assert transcript.text
    assert transcript.language == heard
