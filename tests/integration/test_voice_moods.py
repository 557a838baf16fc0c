"""The mood that an answer shows reaches the engine that speaks it."""

from __future__ import annotations

import pytest

from services.settings import VoiceSettings
from services.voice.call_events import AnswerEnded
from tests.fakes.live_call import live_call
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.speech import spoken

ANSWER = "*sighs* It is a long story. *grins* You will like it."


@pytest.mark.parametrize(
    ("moods", "heard"), [(True, ["tired", "happy"]), (False, [None, None])], ids=["on", "off"]
)
async def test_each_sentence_of_an_answer_is_spoken_in_the_mood_acted_before_it(
    tmp_path, moods, heard
):
    settings = VoiceSettings(moods=moods)
    async with live_call(tmp_path, ScriptedModel(ANSWER), settings=settings) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.comes(AnswerEnded)
        said = live.speech.said
        assert [text for text, _ in said] == ["It is a long story.", "You will like it."]
        assert [voice.mood for _, voice in said] == heard


async def test_the_next_answer_begins_without_the_mood_of_the_last(tmp_path):
    model = ScriptedModel(["*sobs* I am so sorry.", "It is over."])
    async with live_call(tmp_path, model) as live:
        await live.people.say(spoken("apple", "boat"))
        await live.comes(AnswerEnded)
        await live.people.say(spoken("cloud", "drum"))
        await live.comes(AnswerEnded, count=2)
        assert [voice.mood for _, voice in live.speech.said] == ["sad", None]


async def test_what_is_read_aloud_is_coloured_as_well(tmp_path):
    async with live_call(tmp_path, ScriptedModel("Never asked.")) as live:
        await live.call.say("We have won the game!")
        assert [voice.mood for _, voice in live.speech.said] == ["happy"]
