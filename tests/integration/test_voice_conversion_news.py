"""A call tells that voices pass unconverted: once, until they are converted again."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.voice.call_events import AnswerEnded, Trouble, Troubled
from services.voice.engines.conversion import ConversionTarget
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.synthesis import Voice
from tests.fakes.clock import ManualClock
from tests.fakes.live_call import LiveCall, live_call
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.speech import spoken
from tests.fakes.voice_engines import FakeConverter, FakeSpeech

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
ANSWER = "Once there was a long road. It went over nine hills."


def converted(converter: FakeConverter, told: list[str]) -> ConvertedSpeech:
    return ConvertedSpeech(
        FakeSpeech(rate=22050, seconds_per_character=0.04),
        converter,
        ConversionTarget(model="nora"),
        clock=converter.clock,
        on_notice=lambda code, text: told.append(code),
    )


def news(live: LiveCall) -> list[tuple[Trouble, bool]]:
    return [(each.trouble, each.over) for each in live.of(Troubled)]


async def answered(live: LiveCall) -> None:
    before = len(live.of(AnswerEnded))
    await live.people.say(spoken("apple", "boat"))
    assert (await live.comes(AnswerEnded, count=before + 1)).whole


async def test_conversion_slower_than_speech_is_told_of_once_and_that_it_is_over(tmp_path: Path):
    clock, told = ManualClock(), list[str]()
    converter = FakeConverter(clock, seconds=2.0)
    speech = converted(converter, told)
    async with live_call(tmp_path, ScriptedModel(lambda _: ANSWER), speech=speech) as live:
        await answered(live)
        assert news(live) == [(Trouble.CONVERSION, False)]
        assert "slower than speech" in live.of(Troubled)[0].text
        clock.advance(301)
        await answered(live)  # tried again, in vain
        assert told == ["conversion_bypassed"] * 2
        assert news(live) == [(Trouble.CONVERSION, False)]
        clock.advance(301)
        converter.seconds = 0.0
        await answered(live)
        assert news(live) == [(Trouble.CONVERSION, False), (Trouble.CONVERSION, True)]


async def test_a_converter_that_was_gone_before_the_call_is_told_of_as_it_begins(tmp_path: Path):
    converter = FakeConverter(ManualClock(), fails_from=0)
    speech = converted(converter, [])
    for place in ("one", "two"):
        async with live_call(tmp_path / place, ScriptedModel(ANSWER), speech=speech) as live:
            if place == "one":
                assert news(live) == []
                await answered(live)
            assert news(live) == [(Trouble.CONVERSION, False)]
            assert "fails" in live.of(Troubled)[0].text


async def test_a_call_that_is_left_hears_no_more_of_it(tmp_path: Path):
    converter = FakeConverter(ManualClock())
    speech = converted(converter, [])
    async with live_call(tmp_path, ScriptedModel(ANSWER), speech=speech) as live:
        await live.leave()
        converter.fails_from = 0
        async for _ in speech.synthesize(ANSWER, voice=Voice()):
            pass
        assert speech.bypassed
        assert news(live) == []
