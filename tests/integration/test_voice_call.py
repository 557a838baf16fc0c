"""One call from sound to sound: what is answered, when the bot falls silent, what is kept."""

from __future__ import annotations

from services.voice.call_events import (
    AnswerBegun,
    AnswerEnded,
    Ducked,
    Interrupted,
    Resumed,
    TurnTaken,
    Unducked,
)
from tests.fakes.live_call import live_call
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.speech import hush, spoken

STORY = "Once there was a long road. It went over nine hills. At its end stood a small house."


async def test_a_question_is_answered_aloud_and_kept(tmp_path):
    async with live_call(tmp_path, ScriptedModel("Hello there. How are you?")) as live:
        await live.people.say(spoken("apple", "boat"))
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        assert [turn.text for turn in live.of(TurnTaken)] == ["apple boat"]
        assert len(live.of(AnswerBegun)) == 1
        await live.app.conversations.drain(2.0)
        assert await live.history() == [
            ("ann", "apple boat"),
            ("mira", "Hello there. How are you?"),
        ]


async def test_only_what_was_heard_of_an_interrupted_answer_is_kept(tmp_path):
    answers = iter([STORY, "All right."])
    async with live_call(tmp_path, ScriptedModel(lambda _: next(answers))) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.comes(AnswerBegun)
        await live.until(lambda: len(live.loudspeaker.sounding()) > 40)
        await live.people.say(spoken("cloud", "drum", "engine", "forest", "garden"))
        await live.comes(AnswerBegun, count=2)
        await live.comes(AnswerEnded, count=2)
        await live.app.conversations.drain(2.0)
        said = [text for who, text in await live.history() if who == "mira"]
        assert live.of(Ducked)
        assert [one.hard for one in live.of(Interrupted)] == [False]
        assert said[0].endswith("—")
        assert STORY.startswith(said[0][:-1])
        assert len(said[0]) < len(STORY) - 20
        assert said[1] == "All right."


async def test_noise_that_stopped_the_answer_lets_it_go_on_and_it_is_kept_whole(tmp_path):
    async with live_call(
        tmp_path, ScriptedModel(STORY), texts={"cloud drum engine forest": ""}
    ) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 30)
        live.ears.texts = dict.fromkeys(
            ["cloud", "cloud drum", "cloud drum engine", "cloud drum engine forest"], ""
        )
        await live.people.say(spoken("cloud", "drum", "engine", "forest", seconds=0.3) + hush(0.1))
        await live.comes(Resumed)
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        await live.app.conversations.drain(2.0)
        assert [text for who, text in await live.history() if who == "mira"] == [STORY]


async def test_a_back_channel_only_ducks(tmp_path):
    texts = {"cloud": "Mhm.", "cloud drum": "Mhm."}
    async with live_call(tmp_path, ScriptedModel(STORY), texts=texts) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 30)
        await live.people.say(spoken("cloud", "drum", seconds=0.2))
        await live.comes(Unducked)
        ended = await live.comes(AnswerEnded)
        assert ended.whole
        assert not live.of(Interrupted)
        assert len(live.of(AnswerBegun)) == 1


async def test_a_hard_word_ends_the_answer_and_is_not_answered(tmp_path):
    texts = {"cloud": "Stop.", "cloud drum": "Stop."}
    async with live_call(tmp_path, ScriptedModel(STORY), texts=texts) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.until(lambda: len(live.loudspeaker.sounding()) > 30)
        await live.people.say(spoken("cloud", "drum", seconds=0.25))
        ended = await live.comes(AnswerEnded)
        assert not ended.whole
        assert [one.hard for one in live.of(Interrupted)] == [True]
        await live.comes(TurnTaken, count=2)
        await live.app.conversations.drain(2.0)
        assert len(live.of(AnswerBegun)) == 1
        assert len(live.app.model.requests) == 1


async def test_somebody_who_goes_on_before_anything_was_heard_is_answered_once(tmp_path):
    model = ScriptedModel(lambda _: Script(text="Good idea.", first_token_seconds=1.0))
    async with live_call(tmp_path, model) as live:
        await live.people.say(spoken("apple", "boat") + hush(0.5) + spoken("cloud", "drum"))
        await live.comes(AnswerEnded)
        await live.app.conversations.drain(2.0)
        assert await live.history() == [
            ("ann", "apple boat cloud drum"),
            ("mira", "Good idea."),
        ]
        assert len(live.of(AnswerBegun)) == 1
