"""An answer is spoken early, without gaps, and to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from services.domain.audio import AudioFrame
from services.domain.errors import ProviderFault
from services.domain.ids import MessageId, PersonaId, TurnId
from services.domain.replies import Reply, TurnFinished, Usage
from services.voice.mixing.mixer_events import ClauseStarted
from services.voice.speaking.narration import NarrationLimits
from services.voice.speaking.speech_sink import SpeakingSettings
from services.voice.spoken_text import Lexicon
from services.voice.synthesis import Voice
from tests.fakes.speaking_stage import SpeakingStage, speaking_stage
from tests.fakes.voice_engines import FakeSpeech

pytestmark = pytest.mark.virtual_time

SENTENCES = "Good morning to you all. It is a fine day today. I slept well."
FINISHED = TurnFinished(
    turn=TurnId("t"),
    reply=Reply(message=MessageId("m"), persona=PersonaId("p"), text="", ordinal=1),
    usage=Usage(),
)


class BrittleSpeech(FakeSpeech):
    """Fails where a text has a certain word: at once, in the middle, silently or by hanging."""

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        engine = FakeSpeech(seconds_per_character=self.seconds_per_character)
        engine.fails_after = 0 if "fail" in text else 5 if "break" in text else None
        if "hang" in text:
            engine.first_seconds = 1e6
        if "nothing" in text:
            engine.seconds_per_character = 0.0
        async for frame in engine.synthesize(text, voice=voice):
            if "bug" in text and frame.started_at > 0:
                raise ValueError(text)
            yield frame


def texts(engine: FakeSpeech) -> list[str]:
    return [text for text, _ in engine.said]


def captions(stage: SpeakingStage) -> list[str]:
    return [clause.text for clause in stage.clauses]


async def test_the_first_clause_is_spoken_while_its_sentence_is_written():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("I would love to, but")
        await stage.play(0.1)
        assert captions(stage) == ["I would love to, "]
        await stage.write(" I cannot. Perhaps some other day.")
        await stage.drain()
    assert texts(engine) == ["I would love to,", "but I cannot.", "Perhaps some other day."]
    assert "".join(captions(stage)) == stage.text
    assert [clause.speech_text for clause in stage.clauses] == texts(engine)
    assert [clause.index for clause in stage.clauses] == [1, 2, 3]
    assert [stage.text[: clause.end] for clause in stage.clauses] == [
        "I would love to, ",
        "I would love to, but I cannot. ",
        stage.text,
    ]


async def test_without_a_clause_some_patience_and_four_words_will_do():
    engine = FakeSpeech()
    settings = SpeakingSettings(first_patience=30)
    async with speaking_stage(engine, settings=settings) as stage:
        await stage.write("I think that the cat ")
        await stage.play(20)
        assert texts(engine) == []
        await stage.play(11)
        assert texts(engine) == ["I think that the"]
        await stage.write("sat on the mat.")
        await stage.drain()
    assert texts(engine) == ["I think that the", "cat sat on the mat."]


async def test_three_words_wait_for_the_fourth_however_long_it_takes():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("I think that")
        await stage.play(1)
        await stage.write(" the")
        await stage.play(0.1)
        assert texts(engine) == []
        await stage.write(" cat")
        await stage.play(0.1)
        assert texts(engine) == ["I think that the"]


async def test_a_short_sentence_is_spoken_at_once():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("Yes! I")
        await stage.play(0.06)
        assert texts(engine) == ["Yes!"]


async def test_what_is_spoken_is_worded_for_the_voice():
    engine = FakeSpeech()
    async with speaking_stage(engine, lexicon=Lexicon({"acore": "ay core"})) as stage:
        await stage.write("*nods* The **acore** ran 5 km. ```x = 1``` 😀\n")
        await stage.drain()
    assert engine.said == [("The ay core ran 5 kilometres.", Voice(language="en"))]


async def test_no_gap_opens_where_the_engine_takes_its_time():
    engine = FakeSpeech(first_seconds=0.4)
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.drain()
        assert stage.dried == 1
    assert len(engine.said) == 3


async def test_when_little_is_left_to_play_a_clause_goes_ahead_of_its_sentence():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("I would love to, and that is what I said, yet")
        await stage.play(0.3)
        assert texts(engine) == ["I would love to,"]
        await stage.play(0.5)
        await stage.write(" it is")
        await stage.play(0.1)
        assert texts(engine) == ["I would love to,", "and that is what I said,"]


async def test_while_a_clause_is_made_the_sentence_has_time_to_become_whole():
    engine = FakeSpeech(first_seconds=5)
    async with speaking_stage(engine) as stage:
        await stage.write("I would love to, and that is what I said, yet")
        await stage.play(0.1)
        await stage.write(" it is, I think, not to be.")
        await stage.drain()
    assert texts(engine) == [
        "I would love to,",
        "and that is what I said, yet it is, I think, not to be.",
    ]


async def test_a_burst_of_text_is_not_cut_more_often_than_slow_text():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        for part in ("Good morning to you all. Then", " we went out to sea, and it", " was good."):
            await stage.write(part)
        await stage.drain()
    assert texts(engine) == [
        "Good morning to you all.",
        "Then we went out to sea, and it was good.",
    ]


async def test_a_silence_in_the_middle_is_ended_by_the_clause_that_is_there():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("I would love to, and that is what I said, yet")
        await stage.play(2)
        assert texts(engine) == ["I would love to,", "and that is what I said,"]


async def test_a_fast_model_and_engine_never_keep_more_than_twenty_seconds():
    engine = FakeSpeech()
    sentence = "This is a sentence that is some five seconds long if you read it so. "
    async with speaking_stage(engine) as stage:
        for _ in range(40):
            await stage.write(sentence)
        await stage.play(3)
        assert stage.track.pending <= 20.2
        asked = len(engine.said)
        assert asked < 7
        stage.track.hold()
        await stage.play(60)
        assert len(engine.said) <= asked + 1
        stage.track.resume()
        await stage.drain()
        assert stage.dried == 1
    assert stage.most_pending <= 20.2
    assert len(engine.said) == 40


async def test_one_endless_clause_makes_the_engine_wait():
    engine = FakeSpeech(seconds_per_character=1.0)
    async with speaking_stage(engine) as stage:
        await stage.write("a" * 90 + ". ")
        await stage.drain()
        assert stage.dried == 1
    assert 19 <= stage.most_pending <= 20.2


async def test_drained_means_that_the_last_sound_was_read():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.finish()
        drained = stage.start(stage.sink.drain())
        while not drained.done():
            assert not (stage.track.pending and stage.sink.whole)
            await stage.play(0.02)
        assert stage.track.heard.clauses == 3
        assert stage.track.pending == 0
        assert stage.sink.whole
        assert "".join(captions(stage)) == stage.text


async def test_a_held_answer_is_not_drained():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write(SENTENCES)
        await stage.finish()
        drained = stage.start(stage.sink.drain())
        await stage.play(2)
        stage.track.hold()
        await stage.play(30)
        assert not drained.done()
        stage.track.resume()
        await stage.play(4)
        assert drained.done()
        assert captions(stage) == [clause.text for clause in stage.clauses]
        assert len(stage.clauses) == 3


async def test_an_answer_with_nothing_to_say_is_drained_at_once():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("*waves* 😀")
        await stage.drain()
        assert stage.sink.whole
    assert engine.said == []


async def test_what_was_written_before_the_answer_broke_off_is_spoken():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("Let me see. There are three of")
        await stage.while_playing(stage.sink.drain())
    assert texts(engine) == ["Let me see.", "There are three of"]


@pytest.mark.parametrize("trouble", ["fail", "break", "hang", "nothing"])
async def test_after_a_clause_that_cannot_be_spoken_the_next_one_is(trouble: str):
    async with speaking_stage(BrittleSpeech()) as stage:
        await stage.write(
            f"This one is good. This will {trouble} in its middle. This is good again."
        )
        await stage.drain()
        assert captions(stage)[0] == "This one is good. "
        assert captions(stage)[-1] == "This is good again."
        assert len(stage.failures) == 1
        assert not stage.sink.whole
        assert (await stage.heard()) == stage.text


async def test_it_is_only_given_up_after_several_failures_in_a_row():
    engine = BrittleSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("This will fail. This will fail too. This is good. " * 4)
        await stage.drain()
        assert captions(stage) == ["This is good. "] * 4
        assert len(stage.failures) == 8


@pytest.mark.parametrize("trouble", ["fail", "hang", "nothing"])
async def test_when_all_fails_the_answer_ends_all_the_same(trouble: str):
    async with speaking_stage(BrittleSpeech()) as stage:
        await stage.write(f"This will {trouble}. " * 20)
        await stage.drain()
        assert len(stage.failures) == 3
        assert not stage.sink.whole
        assert await stage.heard() == ""


@pytest.mark.parametrize(
    ("trouble", "fault"), [("hang", ProviderFault.TIMEOUT), ("nothing", ProviderFault.EMPTY)]
)
async def test_an_engine_that_says_nothing_is_told_of(trouble: str, fault: ProviderFault):
    async with speaking_stage(BrittleSpeech()) as stage:
        await stage.write(f"This will {trouble}.")
        await stage.drain()
        assert [error.fault for error in stage.failures] == [fault]
        assert "voice engine fake" in stage.failures[0].user_message


async def test_a_bug_in_an_engine_does_not_hold_the_answer_up():
    stage = SpeakingStage(BrittleSpeech(), lexicon=None, settings=SpeakingSettings())
    await stage.write("Good morning to you all. This is a bug.")
    async with stage.group:
        drained = stage.start(stage.drain())
        with pytest.raises(ValueError, match="bug"):
            await stage.sink.run()
        await stage.play(2)
        assert drained.done()
    assert "".join(captions(stage)) == stage.text
    assert not stage.sink.whole


async def test_an_engine_slower_than_speech_is_heard_at_once_all_the_same():
    engine = FakeSpeech(frame_seconds=0.15)
    async with speaking_stage(engine) as stage:
        await stage.write("Good morning to you all. I")
        await stage.play(0.1)
        assert stage.track.heard.seconds > 0
        await stage.drain()
        assert stage.sink.whole


async def test_cancelled_it_stops_the_engine_and_touches_the_track_no_more():
    engine = FakeSpeech(frame_seconds=1)
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.play(0.2)
        assert engine.active == 1
        assert stage.running is not None
        stage.running.cancel()
        stage.track.reset()
        with suppress(asyncio.CancelledError):
            await stage.running
        await stage.play(1)
        assert (engine.active, engine.stopped) == (0, 1)
        assert stage.track.pending == 0
        assert stage.track.heard.clauses == 0


async def test_after_the_last_event_nothing_more_is_spoken_and_run_ends():
    engine = FakeSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write("Good morning to you all.")
        await stage.drain()
        await stage.sink.emit(FINISHED)
        await stage.write(" And this is too late. It is.")
        await stage.play(1)
        assert stage.running is not None
        assert stage.running.done()
        assert stage.sink.whole
    assert texts(engine) == ["Good morning to you all."]


async def test_the_last_event_ends_what_was_not_drained():
    engine = FakeSpeech(frame_seconds=1)
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.play(0.2)
        await stage.sink.emit(FINISHED)
        await stage.play(0.1)
        assert (engine.active, engine.stopped) == (0, 1)
        assert not stage.sink.whole
        await stage.sink.drain()


class GatedSpeech(FakeSpeech):
    """Has its sound ready when it may give it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        frames = [frame async for frame in super().synthesize(text, voice=voice)]
        await self.gate.wait()
        for frame in frames:
            yield frame


async def test_sound_that_comes_as_the_answer_ends_is_too_late():
    engine = GatedSpeech()
    async with speaking_stage(engine) as stage:
        await stage.write(SENTENCES)
        await stage.play(0.1)
        engine.gate.set()
        await stage.sink.emit(FINISHED)
        await asyncio.sleep(0.1)
        assert stage.track.pending == 0


async def test_news_of_the_answer_before_is_not_taken_for_this_ones():
    async with speaking_stage(FakeSpeech()) as stage:
        await stage.write("Good morning to you all. I")
        await asyncio.sleep(0.01)
        stage.sink.told(ClauseStarted(clause=1, at=stage.clock.monotonic() - 0.02))
        stage.sink.told(ClauseStarted(clause=7, at=stage.clock.monotonic() + 5))
        assert stage.clauses == []
        await stage.play(0.04)
        assert captions(stage) == ["Good morning to you all. "]


async def test_a_long_sentence_is_spoken_clause_by_clause():
    engine = FakeSpeech()
    settings = SpeakingSettings(longest_clause=60, limits=NarrationLimits(begin_below=5))
    async with speaking_stage(engine, settings=settings) as stage:
        await stage.write("it goes on and on, as such things do, " * 8 + "and ends.")
        await stage.drain()
        assert stage.dried == 1
    assert all(len(text) <= 60 for text in texts(engine))
    assert " ".join(texts(engine)) == stage.text
