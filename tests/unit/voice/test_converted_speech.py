"""Speech in another voice: whole, without clicks, and past a converter that is too slow."""

from __future__ import annotations

from contextlib import aclosing

import numpy as np
import pytest

from services.domain.audio import AudioFrame
from services.domain.errors import ProviderError
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.pcm import from_pcm
from services.voice.synthesis import Voice
from tests.fakes.clock import ManualClock
from tests.fakes.voice_engines import FakeConverter, FakeSpeech

TEXT = "a sentence that is about three seconds long as it is"


class Stage:
    def __init__(
        self, clock: ManualClock, seconds: float = 0.0, fails_from: int | None = None
    ) -> None:
        self.clock = clock
        self.inner = FakeSpeech(rate=22050)
        self.converter = FakeConverter(clock, seconds=seconds, fails_from=fails_from)
        self.told: list[str] = []
        self.speech = ConvertedSpeech(
            self.inner,
            self.converter,
            ConversionTarget(model="nora"),
            clock=clock,
            on_notice=lambda code, text: self.told.append(text),
        )

    async def say(self, text: str = TEXT) -> list[AudioFrame]:
        async with aclosing(self.speech.synthesize(text, voice=Voice())) as frames:
            return [frame async for frame in frames]


def lasting(frames: list[AudioFrame]) -> float:
    return sum(frame.seconds for frame in frames)


async def test_all_of_it_arrives_in_the_converters_rate_without_a_click(clock: ManualClock):
    stage = Stage(clock)
    frames = await stage.say()
    assert {frame.rate for frame in frames} == {40000}
    assert lasting(frames) == pytest.approx(len(TEXT) * 0.06, abs=0.05)
    samples = from_pcm(b"".join(frame.pcm for frame in frames))
    steps = np.abs(np.diff(samples))
    assert steps.max() < 2.5 * np.sort(steps)[len(steps) * 95 // 100]


async def test_it_begins_before_the_sentence_is_made(clock: ManualClock):
    stage = Stage(clock)
    async with aclosing(stage.speech.synthesize(TEXT, voice=Voice())) as frames:
        await anext(frames)
    assert [round(clip.seconds, 1) for clip in stage.converter.clips] == [0.5]
    assert stage.inner.active == 0
    assert stage.inner.stopped == 1


async def test_pieces_carry_a_tenth_of_a_second_of_what_was_before(clock: ManualClock):
    stage = Stage(clock)
    await stage.say()
    first, second, *_ = stage.converter.clips
    assert second.seconds == pytest.approx(1.1, abs=0.01)
    assert second.pcm[:2000] == first.pcm[-2 * 2205 :][:2000]


async def test_twice_slower_than_speech_it_is_bypassed_from_the_next_sentence_on(
    clock: ManualClock,
):
    stage = Stage(clock, seconds=2.0)
    assert {frame.rate for frame in await stage.say()} == {40000}
    assert stage.speech.bypassed
    assert {frame.rate for frame in await stage.say()} == {22050}
    assert len(stage.told) == 1
    clock.advance(301)
    stage.converter.seconds = 0
    assert {frame.rate for frame in await stage.say()} == {40000}


async def test_whoever_watches_hears_once_until_it_converts_again(clock: ManualClock):
    stage = Stage(clock, fails_from=0)
    heard: list[bool] = []
    late: list[bool] = []
    with stage.speech.watched(lambda sentence: heard.append(sentence is not None)):
        for _ in range(3):
            await stage.say()
            clock.advance(301)  # tried again, in vain
        assert heard == [True]
        with stage.speech.watched(lambda sentence: late.append(sentence is not None)):
            assert late == [True]
            stage.converter.fails_from = None
            await stage.say()
        assert (heard, late) == ([True, False], [True, False])
    stage.converter.fails_from = 0
    await stage.say()
    assert heard == [True, False]
    assert len(stage.told) == 4


async def test_a_piece_in_time_after_two_slow_ones_is_no_recovery(clock: ManualClock):
    stage = Stage(clock, seconds=2.0)
    heard: list[str | None] = []
    with stage.speech.watched(heard.append):
        async with aclosing(stage.speech.synthesize(TEXT, voice=Voice())) as frames:
            async for _ in frames:
                if stage.speech.bypassed:
                    stage.converter.seconds = 0
    assert len(stage.converter.clips) > 2
    assert stage.speech.bypassed
    assert len(heard) == 1
    assert heard[0] is not None


async def test_slow_once_is_forgiven(clock: ManualClock):
    stage = Stage(clock, seconds=2.0)
    await stage.say("hi you")
    stage.converter.seconds = 0
    await stage.say("hi you")
    stage.converter.seconds = 2
    await stage.say("hi you")
    assert not stage.speech.bypassed


async def test_a_converter_that_dies_in_mid_sentence_loses_no_word(clock: ManualClock):
    stage = Stage(clock, fails_from=1)
    frames = await stage.say()
    assert [frame.rate for frame in frames[:3]] == [40000] * 3
    assert frames[-1].rate == 22050
    assert lasting(frames) == pytest.approx(len(TEXT) * 0.06, abs=0.05)
    assert len(stage.told) == 1


async def test_the_engines_own_failure_is_not_hidden(clock: ManualClock):
    stage = Stage(clock)
    stage.inner.fails_after = 3
    with pytest.raises(ProviderError):
        await stage.say()
    assert not stage.speech.bypassed
