"""An answer that is cut short is remembered as far as it was heard."""

from __future__ import annotations

import asyncio

import pytest

from services.domain.replies import Delivered
from tests.fakes.speaking_stage import speaking_stage
from tests.fakes.voice_engines import FakeSpeech

pytestmark = pytest.mark.virtual_time

SENTENCES = "Good morning to you all. It is a fine day today. I slept well."
FIRST, SECOND, THIRD = (24 * 0.06, 23 * 0.06, 13 * 0.06)


async def test_before_the_first_sound_nothing_was_heard_and_the_engine_stops():
    engine = FakeSpeech(first_seconds=1)
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.play(0.5)
        assert engine.active == 1
        assert await stage.abort() == Delivered(sentences=0, characters=0)
        await stage.play(2)
        assert (engine.active, engine.stopped) == (0, 1)
        assert len(engine.said) == 1
        assert stage.track.pending == 0
        assert stage.clauses == []
        assert stage.running is not None
        assert stage.running.done()


async def test_made_but_not_heard_is_nothing_as_well():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await asyncio.sleep(0.1)
        assert stage.track.pending > 0
        assert await stage.abort() == Delivered(sentences=0, characters=0)
        assert stage.track.pending == 0


@pytest.mark.parametrize(
    ("seconds", "heard", "sentences"),
    [
        (0.1, "", 0),
        (0.3, "Good", 0),
        (FIRST / 2, "Good", 0),
        (FIRST * 0.8, "Good morning to you", 0),
        (FIRST + 0.02, "Good morning to you all.", 1),
        (FIRST + SECOND / 2, "Good morning to you all. It is a", 1),
        (FIRST + SECOND + 0.02, "Good morning to you all. It is a fine day today.", 2),
    ],
)
async def test_of_a_clause_its_share_counts_back_to_a_word(
    seconds: float, heard: str, sentences: int
):
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.play(seconds)
        delivered = await stage.abort()
        assert delivered == Delivered(sentences=sentences, characters=len(heard))
        assert stage.text.startswith(heard)


async def test_what_was_said_a_second_time_says_the_same():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.play(FIRST + 0.02)
        delivered = await stage.abort()
        stage.track.reset()
        assert await stage.abort() == delivered
        await stage.sink.drain()


async def test_it_falls_silent_at_once():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.play(1)
        await stage.abort()
        stage.clock.advance(0.02)
        assert stage.mixer.read() is not None
        assert stage.mixer.read() is None


async def test_a_held_answer_that_is_given_up_counts_as_far_as_it_came():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.play(FIRST + SECOND / 2)
        stage.track.hold()
        await stage.play(2)
        assert await stage.heard() == "Good morning to you all. It is a"


async def test_a_repeated_clause_is_not_forgotten():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.play(FIRST + SECOND / 2)
        stage.track.hold()
        stage.track.resume()
        await stage.play(0.1)
        assert await stage.heard() == "Good morning to you all. It is a"


async def test_of_a_clause_that_is_still_being_made_no_more_counts_than_was_heard():
    engine = FakeSpeech(frame_seconds=0.3)
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.play(0.95)
        assert engine.active == 1
        assert await stage.heard() == "Good"


async def test_of_a_clause_the_engine_broke_off_only_what_it_said_counts():
    engine = FakeSpeech(fails_after=5)
    async with speaking_stage(engine) as stage:
        await stage.write("Good morning to you all.")
        await stage.finish()
        await stage.play(2)
        assert len(stage.failures) == 1
        assert stage.track.heard.clauses == 1
        assert await stage.heard() == "Good"


async def test_how_slowly_the_voice_speaks_is_learnt_from_what_it_said():
    engine = FakeSpeech(seconds_per_character=0.2, frame_seconds=0.099)
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.play(6)
        assert engine.active == 1
        assert await stage.heard() == "Good morning to you all. It is"


async def test_an_action_counts_with_the_words_after_it():
    text = "Good morning to you all. *bows deeply before the audience* Hello there."
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(text)
        await stage.finish()
        await stage.play(FIRST + 0.02)
        assert await stage.heard() == "Good morning to you all."
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(text)
        await stage.finish()
        await stage.play(FIRST + 0.4)
        assert await stage.heard() == text.removesuffix(" there.")


async def test_within_a_clause_an_action_takes_no_time():
    text = "Oh *blinks at the light that falls through the window* hello there my friend."
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(text)
        await stage.finish()
        await stage.play(0.3)
        assert await stage.heard() == "Oh"
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(text)
        await stage.finish()
        await stage.play(0.9)
        assert await stage.heard() == text.removesuffix(" my friend.")


async def test_words_after_the_rest_of_an_action_count_for_themselves():
    text = "*She leans back. And smiles at you* hello there my friend."
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(text)
        await stage.finish()
        await stage.play(0.8)
        assert await stage.heard() == text.removesuffix(" my friend.")


async def test_an_answer_that_was_heard_out_is_kept_whole():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write("Good morning to you all. *waves*")
        await stage.drain()
        assert await stage.heard() == stage.text


async def test_whoever_waits_for_the_end_goes_on():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.finish()
        drained = stage.start(stage.sink.drain())
        await stage.play(1)
        assert not drained.done()
        await stage.abort()
        await stage.play(0.1)
        assert drained.done()
        assert not stage.sink.whole


async def test_text_that_comes_too_late_is_not_spoken():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("Good morning to you all. I")
        await stage.play(0.2)
        await stage.abort()
        await stage.write(" say. And more of it. And more.")
        await stage.play(1)
    assert len(engine.said) == 1
