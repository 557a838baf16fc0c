"""The first engine that begins in time speaks, and no other one in the middle."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from services.domain.errors import ProviderError
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.synthesis import Voice
from tests.fakes.clock import ManualClock
from tests.fakes.voice_engines import FakeSpeech

TEXT = "a sentence to say"


def chosen(
    first: FakeSpeech, second: FakeSpeech, clock: ManualClock, told: list[str]
) -> FallbackSpeech:
    choices = [
        SpeechChoice(engine=first, first_frame_seconds=1.5),
        SpeechChoice(engine=second, voice="stand-in"),
    ]
    return FallbackSpeech(choices, clock=clock, on_notice=lambda code, text: told.append(code))


async def rates(speech: FallbackSpeech, voice: Voice | None = None) -> set[int]:
    async with aclosing(speech.synthesize(TEXT, voice=voice or Voice())) as frames:
        return {frame.rate async for frame in frames}


@pytest.mark.virtual_time
async def test_an_engine_that_is_late_is_left_and_rests(clock: ManualClock):
    told: list[str] = []
    late, local = FakeSpeech(rate=24000, first_seconds=9), FakeSpeech(rate=22050)
    speech = chosen(late, local, clock, told)
    began = asyncio.get_running_loop().time()
    assert await rates(speech, Voice(name="emma", speed=1.2)) == {22050}
    assert asyncio.get_running_loop().time() - began == pytest.approx(1.5, abs=0.1)
    assert late.active == 0
    assert local.said == [(TEXT, Voice(name="stand-in", speed=1.2))]
    await rates(speech)
    assert len(late.said) == 1
    assert told == ["speech_fallback"]
    late.first_seconds = 0
    clock.advance(31)
    assert await rates(speech) == {24000}


@pytest.mark.virtual_time
async def test_an_engine_that_begins_in_time_may_go_on_slowly(clock: ManualClock):
    slow = FakeSpeech(rate=24000, first_seconds=1.4, frame_seconds=5)
    assert await rates(chosen(slow, FakeSpeech(rate=22050), clock, [])) == {24000}


async def test_a_failure_in_mid_sentence_is_the_callers(clock: ManualClock):
    local = FakeSpeech(rate=22050)
    speech = chosen(FakeSpeech(fails_after=2), local, clock, [])
    with pytest.raises(ProviderError):
        await rates(speech)
    assert not local.said


async def test_a_failure_before_the_first_frame_is_not(clock: ManualClock):
    told: list[str] = []
    speech = chosen(FakeSpeech(fails_after=0), FakeSpeech(rate=22050), clock, told)
    assert await rates(speech) == {22050}
    assert told == ["speech_fallback"]


async def test_when_all_fail_the_last_ones_error_is_told(clock: ManualClock):
    first, second = FakeSpeech(fails_after=0), FakeSpeech(name="second", fails_after=0)
    speech = chosen(first, second, clock, [])
    for _ in range(2):
        with pytest.raises(ProviderError):
            await rates(speech)
    assert len(first.said) == len(second.said) == 2


async def test_one_engine_that_opens_is_enough(clock: ManualClock):
    broken = FakeSpeech(rate=24000, fails_to_open=True)
    await chosen(broken, FakeSpeech(), clock, []).open()
    with pytest.raises(ProviderError):
        await chosen(broken, FakeSpeech(fails_to_open=True), clock, []).open()


async def test_closing_in_the_middle_stops_the_engine(clock: ManualClock):
    engine = FakeSpeech()
    speech = chosen(engine, FakeSpeech(), clock, [])
    async with aclosing(speech.synthesize(TEXT, voice=Voice())) as frames:
        await anext(frames)
        assert engine.active == 1
    assert engine.active == 0
