"""The first engine that begins in time speaks, and no other one in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from services.domain.errors import ProviderError
from services.voice.engines.fallback_speech import FallbackSpeech, SpeechChoice
from services.voice.synthesis import Voice, VoiceListing
from tests.fakes.clock import ManualClock
from tests.fakes.voice_engines import FakeSpeech, voice_error

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


async def test_the_engine_that_knows_a_voice_comes_first(clock: ManualClock):
    first, second = FakeSpeech(rate=24000), FakeSpeech(rate=22050)
    choices = [
        SpeechChoice(engine=first, knows=lambda name: name.startswith("first")),
        SpeechChoice(engine=second, knows=lambda name: name.startswith("second")),
    ]
    speech = FallbackSpeech(choices, clock=clock, on_notice=lambda code, text: None)
    assert await rates(speech, Voice(name="second-anna")) == {22050}
    assert second.said == [(TEXT, Voice(name="second-anna"))]
    assert await rates(speech, Voice(name="en-GB-SoniaNeural", speed=1.1)) == {24000}
    # Nobody knows it, so that the first engine takes its own voice of that language.
    assert first.said == [(TEXT, Voice(speed=1.1, language="en-GB"))]


async def test_engines_behind_one_that_nothing_hurries_are_opened_when_needed(clock: ManualClock):
    online, local, spare = FakeSpeech(), FakeSpeech(), FakeSpeech()
    choices = [
        SpeechChoice(engine=online, first_frame_seconds=1.5),
        SpeechChoice(engine=local),
        SpeechChoice(engine=spare),
    ]
    await FallbackSpeech(choices, clock=clock, on_notice=lambda code, text: None).open()
    assert (online.opened, local.opened, spare.opened) == (1, 1, 0)


async def test_the_voices_of_all_engines_that_answer_are_listed(clock: ManualClock):
    class Named(FakeSpeech):
        async def voices(self) -> Sequence[VoiceListing]:
            if self.fails_to_open:
                raise voice_error(self.name)
            return [VoiceListing(name=self.name, language="en")]

    def of(*engines: Named) -> FallbackSpeech:
        choices = [SpeechChoice(engine=engine) for engine in engines]
        return FallbackSpeech(choices, clock=clock, on_notice=lambda code, text: None)

    silent = Named(name="silent", fails_to_open=True)
    listed = await of(Named(name="a"), silent, Named(name="b"), Named(name="a")).voices()
    assert [voice.name for voice in listed] == ["a", "b"]
    with pytest.raises(ProviderError):
        await of(silent).voices()
