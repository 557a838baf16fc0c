"""RVC from its files to its sound, over networks that this test makes, and over a server."""

from __future__ import annotations

import base64
import os
import signal
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from services.domain.audio import AudioClip
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.engines.http_endpoint import Endpoint
from services.voice.engines.rvc.http_converter import RvcServer
from services.voice.engines.rvc.process_converter import RvcProcess
from services.voice.engines.wav import clip_of, wav_of
from services.voice.pcm import from_pcm
from services.voice.synthesis import Voice
from tests.fakes.tiny_onnx import content_network, voice_network
from tests.fakes.voice_engines import FakeSpeech, sine

pytestmark = pytest.mark.timeout(90)
NORA = ConversionTarget(model="nora")


@pytest.fixture
async def rvc(tmp_path: Path):
    content_network(tmp_path / "content.onnx")
    voice_network(tmp_path / "nora.onnx")
    voice_network(tmp_path / "deep" / "oskar.onnx", hop=480)
    voice_network(tmp_path / "old.onnx", features=256)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    converter = RvcProcess(tmp_path)
    yield converter
    await converter.close()


def clip(hertz: float, seconds: float = 1.0, rate: int = 22050) -> AudioClip:
    return AudioClip(pcm=sine(hertz, seconds, rate), rate=rate)


async def test_the_voice_is_given_the_pitch_and_the_length_stays(rvc: RvcProcess):
    made = await rvc.convert(clip(220), target=NORA)
    assert made.rate == 40000
    assert made.seconds == pytest.approx(1.0, abs=0.011)
    level = np.median(from_pcm(made.pcm)) * 2000
    assert level == pytest.approx(220, rel=0.02)


async def test_semitones_and_other_rates(rvc: RvcProcess):
    target = ConversionTarget(model="oskar", pitch=-12)
    made = await rvc.convert(clip(440, 0.5, 24000), target=target)
    assert made.rate == 48000
    assert np.median(from_pcm(made.pcm)) * 2000 == pytest.approx(220, rel=0.02)


async def test_a_clip_of_nothing_and_of_a_moment(rvc: RvcProcess):
    assert (await rvc.convert(clip(220, 0.02), target=NORA)).seconds <= 0.03
    assert not (await rvc.convert(AudioClip(pcm=b"", rate=16000), target=NORA)).pcm


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("nobody", ProviderFault.MODEL_MISSING),
        ("old", ProviderFault.MALFORMED),
        ("broken", ProviderFault.MALFORMED),
    ],
)
async def test_voices_of_no_use_are_told(rvc: RvcProcess, model: str, fault: ProviderFault):
    with pytest.raises(ProviderError) as caught:
        await rvc.convert(clip(220), target=ConversionTarget(model=model))
    assert caught.value.fault is fault
    assert model in caught.value.user_message
    assert await rvc.models() == ["broken", "nora", "old", "oskar"]


async def test_without_its_content_network_it_says_what_is_missing(tmp_path: Path):
    converter = RvcProcess(tmp_path)
    with pytest.raises(ProviderError, match=r"content\.onnx") as caught:
        await converter.open()
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    await converter.close()


async def test_speech_goes_through_and_survives_the_death_of_the_converter(rvc: RvcProcess):
    told: list[str] = []
    speech = ConvertedSpeech(
        FakeSpeech(rate=22050, hertz=220),
        rvc,
        NORA,
        clock=SystemClock(),
        on_notice=lambda code, text: told.append(code),
        rest_seconds=0,
    )
    await speech.open()
    rates: list[int] = []
    seconds = 0.0
    killed = False
    text = "a sentence of about three seconds, in which it dies"
    async with aclosing(speech.synthesize(text, voice=Voice())) as frames:
        async for frame in frames:
            rates.append(frame.rate)
            seconds += frame.seconds
            if not killed and rvc.process_id is not None:
                os.kill(rvc.process_id, signal.SIGKILL)
                killed = True
    assert rates[0] == 40000
    assert seconds == pytest.approx(len(text) * 0.06, abs=0.1)
    async with aclosing(speech.synthesize("and again", voice=Voice())) as frames:
        assert {frame.rate async for frame in frames} == {40000}


class FakeRvcServer:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.params: dict[str, object] = {}
        self.answer: bytes | None = None

    async def start(self) -> web.AppRunner:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_get("/models", self._models)
        app.router.add_post("/models/{name}", self._load)
        app.router.add_post("/params", self._set)
        app.router.add_post("/convert", self._convert)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"models": ["nora", "oskar"]})

    async def _load(self, request: web.Request) -> web.Response:
        self.calls.append(f"load {request.match_info['name']}")
        return web.json_response({})

    async def _set(self, request: web.Request) -> web.Response:
        self.params = (await request.json())["params"]
        self.calls.append("params")
        return web.json_response({})

    async def _convert(self, request: web.Request) -> web.Response:
        self.calls.append("convert")
        given = clip_of(base64.b64decode((await request.json())["audio_data"]))
        made = AudioClip(pcm=given.pcm[::-1], rate=given.rate)
        return web.Response(body=self.answer or wav_of(made), content_type="audio/wav")


@pytest.fixture
async def server():
    fake = FakeRvcServer()
    runner = await fake.start()
    yield fake
    await runner.cleanup()


async def test_a_server_loads_a_voice_once_and_converts(server: FakeRvcServer):
    converter = RvcServer(Endpoint(name="rvc", base_url=server.url))
    given = clip(220, 0.2)
    for _ in range(2):
        made = await converter.convert(given, target=ConversionTarget(model="nora", pitch=3))
        assert made == AudioClip(pcm=given.pcm[::-1], rate=22050)
    await converter.convert(given, target=ConversionTarget(model="nora", pitch=0))
    assert server.calls == ["load nora", "params", "convert", "convert", "params", "convert"]
    assert await converter.models() == ["nora", "oskar"]
    server.answer = b"<html>sorry</html>"
    with pytest.raises(ProviderError) as caught:
        await converter.convert(given, target=NORA)
    assert caught.value.fault is ProviderFault.MALFORMED
    await converter.close()
