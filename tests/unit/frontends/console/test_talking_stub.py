"""The model for measuring: the same words at the pace that was asked for."""

from __future__ import annotations

import asyncio

import pytest

from frontends.console.talking.stub_model import (
    Pace,
    StubModel,
    StubModels,
    answer_to,
    read_pace,
    tokens_of,
)
from services.domain.errors import InvalidRequest
from services.llm.model import ChatRequest, ContentDelta, Ended, PromptMessage, PromptRole

QUESTIONS = ("What do you think about rainy mornings?", "Hello.", "", "Is it late? I am tired.")


def asked(text: str, **more) -> ChatRequest:
    messages = (
        PromptMessage(role=PromptRole.SYSTEM, content="Be kind.", source="card"),
        PromptMessage(role=PromptRole.USER, content="Something earlier.", source="chat"),
        PromptMessage(role=PromptRole.ASSISTANT, content="Yes.", source="chat"),
        PromptMessage(role=PromptRole.USER, content=text, source="chat"),
    )
    return ChatRequest(messages=messages, **more)


@pytest.mark.parametrize("text", ["150,40", "0,1", " 150.5 , 40 "])
def test_a_pace_is_read(text):
    pace = read_pace(text)
    assert pace.tokens_per_second > 0
    assert pace.first_token < 1


@pytest.mark.parametrize(
    "text", ["", "150", "150,", "a,b", "1,2,3", "-1,40", "150,0", "nan,40", "150,inf", "1e9,40"]
)
def test_a_pace_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(InvalidRequest, match="--stub-model 150,40"):
        read_pace(text)


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_the_same_each_time_and_of_several_sentences(question):
    answer = answer_to(question)
    assert answer == answer_to(question)
    assert answer.count(".") == 3
    assert answer.isascii()


def test_an_answer_mentions_the_question_and_questions_differ():
    assert "rainy mornings" in answer_to(QUESTIONS[0])
    assert len({answer_to(question) for question in QUESTIONS}) == len(QUESTIONS)


def test_a_story_is_long():
    story, short = answer_to("Tell me a long story about the sea."), answer_to("Tell me.")
    assert len(story) > 3 * len(short)


@pytest.mark.parametrize("text", [answer_to(question) for question in QUESTIONS])
def test_tokens_are_the_text(text):
    tokens = list(tokens_of(text))
    assert "".join(tokens) == text
    assert 3 <= len(text) / len(tokens) <= 6


@pytest.mark.virtual_time
async def test_the_first_token_and_the_others_take_as_long_as_asked():
    model = StubModel(Pace(0.15, 40))
    loop = asyncio.get_running_loop()
    begun, times, text = loop.time(), [], ""
    async for event in model.stream(asked(QUESTIONS[0])):
        if isinstance(event, ContentDelta):
            times.append(loop.time() - begun)
            text += event.text
        else:
            assert isinstance(event, Ended)
            assert event.usage.completion_tokens == len(times)
    assert text == answer_to(QUESTIONS[0])
    assert times[0] == pytest.approx(0.15, abs=0.02)
    assert times[-1] == pytest.approx(0.15 + (len(times) - 1) / 40, abs=0.03)


@pytest.mark.virtual_time
async def test_reading_ahead_says_nothing_and_json_is_json():
    model = StubModel(Pace(0.0, 1000))
    ahead = [event async for event in model.stream(asked("Hello.", prefill=True))]
    assert [event.kind for event in ahead] == ["ended"]
    found = [event async for event in model.stream(asked("Hello.", schema={"type": "object"}))]
    assert "".join(event.text for event in found if isinstance(event, ContentDelta)) == "{}"


async def test_whatever_model_is_asked_for_the_stub_answers():
    async with StubModels(Pace(0.0, 1000)) as models:
        for name in (None, "qwen", "gpt@openai"):
            model = await models.get(name)
            assert (await model.open()).name == "stub"
            assert (await model.probe()).ok
        assert [each.name for each in await models.available()] == ["stub"]
