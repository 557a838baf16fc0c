"""Typed answers out of models that do not always obey."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatRequest, PromptMessage, PromptRole, Sampling
from services.llm.structured import UnboundedSchemaError, ask_typed
from tests.fakes.scripted_model import Script, ScriptedModel

Word = Annotated[str, Field(max_length=20)]


class Mood(BaseModel):
    feeling: Literal["calm", "angry"]
    strength: int = Field(ge=0, le=10)
    causes: list[Word] = Field(default_factory=list, max_length=3)
    note: Word | None = None


class Verdict(BaseModel):
    join: bool


REQUEST = ChatRequest(
    messages=(PromptMessage(role=PromptRole.USER, content="How do you feel?", source="test"),),
    sampling=Sampling(max_tokens=50),
)
GOOD = '{"feeling": "calm", "strength": 3, "causes": ["tea"]}'


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"Sure! {GOOD} There."])
async def test_good_answer_needs_one_round(text: str) -> None:
    model = ScriptedModel([text])
    mood = await ask_typed(model, REQUEST, Mood)
    assert (mood.feeling, mood.strength, mood.causes) == ("calm", 3, ["tea"])
    schema = model.requests[0].schema
    assert schema is not None
    assert schema["type"] == "object"


async def test_wrong_answer_is_shown_to_the_model_once() -> None:
    model = ScriptedModel(['{"feeling": "calm", "strength": 99}', GOOD])
    assert (await ask_typed(model, REQUEST, Mood)).strength == 3
    first, second = model.requests
    assert second.messages[: len(first.messages)] == first.messages
    assert "strength" in second.messages[-1].content
    assert "99" in second.messages[-2].content
    assert second.sampling.max_tokens == 50


async def test_cut_off_answer_gets_more_room() -> None:
    model = ScriptedModel([Script(text=GOOD[:20], finish="length"), GOOD])
    await ask_typed(model, REQUEST, Mood)
    assert model.requests[1].sampling.max_tokens == 100


@pytest.mark.parametrize("text", ["", "no", '{"feeling": "sad"}', "{"])
async def test_second_wrong_answer_is_malformed(text: str) -> None:
    model = ScriptedModel([text, text])
    with pytest.raises(ProviderError) as caught:
        await ask_typed(model, REQUEST, Mood)
    assert caught.value.fault is ProviderFault.MALFORMED
    assert len(model.requests) == 2


async def test_provider_error_goes_on() -> None:
    error = ProviderError("scripted", ProviderFault.TIMEOUT, "Too slow.")
    with pytest.raises(ProviderError) as caught:
        await ask_typed(ScriptedModel(Script(error=error)), REQUEST, Verdict)
    assert caught.value is error


async def test_unbounded_answer_type_is_a_programming_error() -> None:
    class Inner(BaseModel):
        text: str

    class Loose(BaseModel):
        a: str
        b: int = Field(ge=0)
        c: list[Word]
        d: dict[str, bool]
        e: list[Inner] = Field(max_length=2)
        f: float | None = Field(ge=0, le=1)

    model = ScriptedModel(GOOD)
    with pytest.raises(UnboundedSchemaError) as caught:
        await ask_typed(model, REQUEST, Loose)
    assert model.requests == []
    assert str(caught.value) == "Loose.Inner.text, Loose.a, Loose.b, Loose.c, Loose.d"
