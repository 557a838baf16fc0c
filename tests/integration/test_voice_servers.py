"""Engines behind HTTP and Edge's websocket, on loopback."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from services.domain.audio import AudioClip
from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.engines.http_endpoint import Endpoint
from services.voice.engines.openai_speech import OpenAiSpeech, SpeechRequests
from services.voice.engines.openai_transcription import OpenAiTranscription
from services.voice.engines.process_engines import edge
from services.voice.engines.process_speech import ProcessSpeech
from services.voice.pcm import from_pcm
from services.voice.synthesis import Voice
from tests.contracts.speech_contract import SENTENCE, EarsContract, SpeechContract, lasting, spoken
from tests.fakes.speech_servers import EdgeServer, SpeechServer
from tests.fakes.voice_engines import FakeSpeech, sine

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with SpeechServer().running() as running:
        yield running


def speech_of(server: SpeechServer, *, form: str = "pcm", instructed: bool = False) -> OpenAiSpeech:
    endpoint = Endpoint(name="kokoro-server", base_url=server.url, key="k-1", silence_seconds=5)
    requests = SpeechRequests(model="kokoro", voice="af_heart", form=form, instructed=instructed)
    return OpenAiSpeech(endpoint, requests)


def ears_of(server: SpeechServer, *, verbose: bool = False) -> OpenAiTranscription:
    endpoint = Endpoint(name="parakeet", base_url=f"{server.url}/", silence_seconds=5)
    return OpenAiTranscription(endpoint, model="parakeet", verbose=verbose)


@pytest.mark.parametrize("form", ["pcm", "wav"])
class TestOpenAiSpeech(SpeechContract):
    @pytest.fixture
    async def speech(self, server: SpeechServer, form: str):
        engine = speech_of(server, form=form)
        yield engine
        await engine.close()


class TestOpenAiTranscription(EarsContract):
    @pytest.fixture
    async def ears(self, server: SpeechServer):
        engine = ears_of(server)
        yield engine
        await engine.close()

    @pytest.fixture
    async def clip(self):
        return AudioClip(pcm=sine(220, 1, 16000), rate=16000)


async def test_what_is_asked_of_a_speech_server(server: SpeechServer):
    engine = speech_of(server)
    higher = await spoken(engine, SENTENCE, voice=Voice(name="bm_george", pitch=4, speed=1.2))
    factor = 2 ** (4 / 12)
    (asked,) = server.asked
    assert asked == {
        "model": "kokoro",
        "voice": "bm_george",
        "input": SENTENCE,
        "response_format": "pcm",
        "speed": pytest.approx(1.2 / factor, abs=0.001),
    }
    assert server.keys == ["Bearer k-1"]
    samples = from_pcm(b"".join(frame.pcm for frame in higher))
    hertz = np.argmax(np.abs(np.fft.rfft(samples))) * 24000 / len(samples)
    assert hertz == pytest.approx(220 * factor, rel=0.01)
    assert lasting(higher) == pytest.approx(len(SENTENCE) * 0.06 / 1.2, rel=0.05)
    await engine.close()


async def test_moods_are_told_in_words_where_that_is_understood(server: SpeechServer):
    plain, told = speech_of(server), speech_of(server, instructed=True)
    await spoken(plain, "Oh.", voice=Voice(mood="sad"))
    await spoken(told, "Oh.", voice=Voice(mood="sad"))
    assert "instructions" not in server.asked[0]
    assert server.asked[0]["speed"] != 1
    assert server.asked[1]["instructions"] == "Sound sad."
    assert server.asked[1]["speed"] == 1
    await plain.close()
    await told.close()


async def test_voices_are_listed_or_the_configured_one_is(server: SpeechServer):
    engine = speech_of(server)
    assert [voice.name for voice in await engine.voices()] == ["af_heart", "bm_george"]
    server.voices = None
    assert [voice.name for voice in await engine.voices()] == ["af_heart"]
    await engine.close()


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, ProviderFault.UNAUTHORIZED),
        (404, ProviderFault.MODEL_MISSING),
        (422, ProviderFault.REJECTED),
        (429, ProviderFault.OVERLOADED),
        (500, ProviderFault.SERVER_ERROR),
        (503, ProviderFault.OVERLOADED),
    ],
)
async def test_refusals_have_their_kind(server: SpeechServer, status: int, fault: ProviderFault):
    server.status = status
    clip = AudioClip(pcm=bytes(32000), rate=16000)
    speech, ears = speech_of(server), ears_of(server)
    with pytest.raises(ProviderError) as caught:
        await spoken(speech, SENTENCE)
    assert caught.value.fault is fault
    with pytest.raises(ProviderError) as caught:
        await ears.transcribe(clip)
    assert caught.value.fault is fault
    assert "k-1" not in f"{caught.value} {caught.value.detail}"
    await speech.close()
    await ears.close()


async def test_nobody_there_and_silence_and_a_broken_stream(server: SpeechServer):
    nobody = OpenAiSpeech(
        Endpoint(name="gone", base_url="http://127.0.0.1:9/v1"),
        SpeechRequests(model="m", voice="v"),
    )
    with pytest.raises(ProviderError) as caught:
        await spoken(nobody, SENTENCE)
    assert caught.value.fault is ProviderFault.UNREACHABLE
    server.first_seconds = 30
    hushed = OpenAiSpeech(
        Endpoint(name="slow", base_url=server.url, silence_seconds=0.2),
        SpeechRequests(model="m", voice="v"),
    )
    with pytest.raises(ProviderError) as caught:
        await spoken(hushed, SENTENCE)
    assert caught.value.fault is ProviderFault.TIMEOUT
    server.first_seconds, server.cut_after = 0, 20000
    engine = speech_of(server)
    with pytest.raises(ProviderError) as caught:
        await spoken(engine, SENTENCE)
    assert caught.value.fault in (ProviderFault.BROKEN_STREAM, ProviderFault.UNREACHABLE)
    for each in (nobody, hushed, engine):
        await each.close()


async def test_closing_the_speech_ends_the_request(server: SpeechServer):
    engine = speech_of(server)
    async with aclosing(engine.synthesize(SENTENCE * 50, voice=Voice())) as frames:
        await anext(frames)
    async with asyncio.timeout(10):
        await server.left.wait()
    await engine.close()


async def test_what_is_asked_of_a_transcription_server(server: SpeechServer):
    server.transcript = {
        "text": "Hallo.",
        "language": "german",
        "segments": [{"avg_logprob": -0.2}, {"avg_logprob": -0.4}],
    }
    ears = ears_of(server, verbose=True)
    clip = AudioClip(pcm=sine(220, 0.5, 16000), rate=16000)
    heard = await ears.transcribe(clip, language="de-DE")
    assert (heard.text, heard.language) == ("Hallo.", "de-DE")
    assert heard.confidence == pytest.approx(0.74, abs=0.01)
    sent, form = server.heard[0]
    assert sent == clip
    assert form == {"model": "parakeet", "response_format": "verbose_json", "language": "de"}
    server.transcript = {"words": []}
    with pytest.raises(ProviderError) as caught:
        await ears.transcribe(clip)
    assert caught.value.fault is ProviderFault.MALFORMED
    await ears.close()


_BARE = {"write_xing": "0", "id3v2_version": "0"}


def mp3_of(pcm: bytes) -> bytes:
    """The bytes that Edge sends: 24 kHz, mono, 48 kbit/s, after half a second of silence."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp3", options=_BARE) as container:
        stream = container.add_stream("mp3", rate=24000, layout="mono")
        stream.bit_rate = 48000
        samples = np.frombuffer(bytes(24000) + pcm, "<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 24000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return out.getvalue()


@pytest.fixture
async def edge_server() -> AsyncIterator[EdgeServer]:
    async with EdgeServer(mp3=mp3_of(sine(220, 2, 24000))).running() as running:
        yield running


@pytest.fixture
async def edge_speech(edge_server: EdgeServer) -> AsyncIterator[ProcessSpeech]:
    engine = edge(url=edge_server.url)
    await engine.open()
    yield engine
    await engine.close()


async def test_edge_is_decoded_without_its_leading_silence(
    edge_speech: ProcessSpeech, edge_server: EdgeServer
):
    voice = Voice(name="de-DE-KatjaNeural", speed=1.2, pitch=2)
    frames = await spoken(edge_speech, "Hallo & tschüss", voice=voice)
    assert lasting(frames) == pytest.approx(2.0, abs=0.15)
    assert {frame.rate for frame in frames} == {24000}
    assert all(frame.seconds <= 0.1001 for frame in frames)
    (asked,) = edge_server.asked
    assert "de-DE-KatjaNeural" in asked or "(de-DE, KatjaNeural)" in asked
    assert "+20%" in asked
    assert "+20Hz" in asked
    assert "Hallo &amp; tschüss" in asked


async def test_edge_begins_before_its_end_has_come(
    edge_speech: ProcessSpeech, edge_server: EdgeServer
):
    edge_server.part_seconds = 0.5
    began = time.monotonic()
    async with aclosing(edge_speech.synthesize(SENTENCE, voice=Voice())) as frames:
        await anext(frames)
        assert time.monotonic() - began < 8
    async with asyncio.timeout(10):
        await edge_server.left.wait()


@pytest.mark.parametrize("status", [403, 503])
async def test_edge_refusing_and_saying_nothing(
    edge_speech: ProcessSpeech, edge_server: EdgeServer, status: int
):
    edge_server.status = status
    with pytest.raises(ProviderError) as caught:
        await spoken(edge_speech, SENTENCE)
    assert caught.value.fault in (ProviderFault.OVERLOADED, ProviderFault.UNREACHABLE)
    edge_server.status, edge_server.silent = 101, True
    with pytest.raises(ProviderError) as caught:
        await spoken(edge_speech, SENTENCE)
    assert caught.value.fault is ProviderFault.REJECTED


async def test_edge_hanging_is_replaced_by_the_local_engine(
    edge_speech: ProcessSpeech, edge_server: EdgeServer
):
    edge_server.first_seconds = 3600
    choices = [
        SpeechChoice(engine=edge_speech, first_frame_seconds=0.5),
        SpeechChoice(engine=FakeSpeech(rate=22050)),
    ]
    told: list[str] = []
    speech = FallbackSpeech(
        choices, clock=SystemClock(), on_notice=lambda code, text: told.append(code)
    )
    assert {frame.rate for frame in await spoken(speech, SENTENCE)} == {22050}
    assert told == ["speech_fallback"]
    async with asyncio.timeout(10):
        await edge_server.left.wait()
    edge_server.first_seconds = 0
    assert lasting(await spoken(edge_speech, SENTENCE)) > 1
