"""An empty answer is asked for otherwise, and never reaches anybody."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.domain.calls import ToolCall
from services.domain.errors import ProviderFault
from services.domain.replies import Usage
from services.llm.insistent import InsistentModel
from services.llm.model import ChatRequest, ModelInfo, PromptRole, Sampling
from services.observability.metrics import Metrics
from tests.fakes.heard import hear
from tests.fakes.model_requests import asking, fault, saying
from tests.fakes.scripted_model import Playbook, Script, ScriptedModel

EATEN = Script(reasoning="Thinking…", finish="length", usage=Usage(completion_tokens=400))
SILENT = Script(usage=Usage(completion_tokens=1))
CALL = ToolCall(id="c1", name="search", arguments={"q": "tea"})
SYSTEM, USER, ASSISTANT, TOOL = PromptRole


def insistent(
    playbook: Playbook, context_tokens: int = 8192
) -> tuple[InsistentModel, ScriptedModel]:
    info = ModelInfo(provider="scripted", name="scripted", context_tokens=context_tokens)
    scripted = ScriptedModel(playbook, info=info)
    return InsistentModel(scripted, Metrics()), scripted


def long_talk() -> ChatRequest:
    return ChatRequest(
        messages=(
            saying(SYSTEM, "You are Mira."),
            saying(USER, "Old question."),
            saying(ASSISTANT, "Old answer."),
            saying(SYSTEM, "What you remember."),
            saying(USER, "What about tea?"),
            saying(ASSISTANT, "", tool_calls=(CALL,)),
            saying(TOOL, "Tea is hot.", tool_call_id="c1", tool_name="search"),
        ),
        sampling=Sampling(max_tokens=300),
    )


async def test_thinking_that_eats_the_budget_is_switched_off() -> None:
    model, scripted = insistent([EATEN, "Tea is hot."])
    heard = await hear(model, long_talk())
    assert heard.text == "Tea is hot."
    assert [request.think for request in scripted.requests] == [None, False]
    assert scripted.requests[1] == replace(long_talk(), think=False)


async def test_shorter_prompt_and_twice_the_tokens_come_last() -> None:
    model, scripted = insistent([EATEN, EATEN, "Tea is hot."])
    assert (await hear(model, long_talk())).text == "Tea is hot."
    last = scripted.requests[2]
    assert (last.think, last.sampling.max_tokens) == (False, 600)
    assert [message.content for message in last.messages] == [
        *("You are Mira.", "What you remember.", "What about tea?", "", "Tea is hot.")
    ]
    assert last.messages[3].tool_calls == (CALL,)


@pytest.mark.parametrize(("context", "budget"), [(8192, 600), (1000, 500), (400, 300)])
async def test_doubled_budget_stays_within_half_the_context(context: int, budget: int) -> None:
    model, scripted = insistent([EATEN, EATEN, "Yes."], context)
    await hear(model, long_talk())
    assert scripted.requests[2].sampling.max_tokens == budget


async def test_request_without_thinking_is_shortened_at_once() -> None:
    model, scripted = insistent([EATEN, "Yes."])
    await hear(model, replace(long_talk(), think=False))
    assert scripted.requests[1].sampling.max_tokens == 600


async def test_length_all_the_way_is_an_empty_answer_after_three_tries() -> None:
    model, scripted = insistent([EATEN] * 9)
    heard = await hear(model, long_talk())
    assert heard.fault is ProviderFault.EMPTY
    assert (heard.text, len(scripted.requests)) == ("", 3)


async def test_silence_is_asked_once_more_as_it_was() -> None:
    model, scripted = insistent([SILENT, "Yes."])
    assert (await hear(model)).text == "Yes."
    assert scripted.requests[0] == scripted.requests[1]
    model, scripted = insistent([SILENT] * 9)
    assert (await hear(model)).fault is ProviderFault.EMPTY
    assert len(scripted.requests) == 2


async def test_mixed_emptiness_ends_after_four_tries() -> None:
    model, scripted = insistent([SILENT, EATEN, EATEN, SILENT, "Never."])
    assert (await hear(model)).fault is ProviderFault.EMPTY
    assert len(scripted.requests) == 4


async def test_white_space_alone_is_empty_and_never_shown() -> None:
    model, _ = insistent(
        [Script(pieces=["\n", "  "]), Script(pieces=["\n", "\n", "Yes", " ", "."])]
    )
    heard = await hear(model)
    assert [event.text for event in heard.events if event.kind == "content"] == [
        *("\n", "\n", "Yes", " ", ".")
    ]


async def test_thoughts_of_one_try_only_are_seen() -> None:
    model, _ = insistent([EATEN, EATEN, Script(reasoning="Third thought", text="Yes.")])
    assert (await hear(model)).reasoning == "Thinking…"


async def test_usage_of_every_try_is_counted() -> None:
    model, _ = insistent([EATEN, EATEN, Script(text="Yes.", usage=Usage(completion_tokens=7))])
    ended = (await hear(model)).ended
    assert (ended.usage.completion_tokens, ended.finish) == (807, "stop")


async def test_answer_with_words_or_calls_is_never_asked_twice() -> None:
    for script in (
        Script(text="Cut", finish="length"),
        Script(calls=[CALL]),
        Script(calls=[CALL], finish="length"),
    ):
        model, scripted = insistent([script])
        assert (await hear(model)).error is None
        assert len(scripted.requests) == 1


async def test_answer_bound_to_a_schema_is_treated_the_same() -> None:
    model, scripted = insistent([EATEN, '{"yes": true}'])
    heard = await hear(model, asking(schema={"type": "object"}))
    assert heard.text == '{"yes": true}'
    assert scripted.requests[1].schema == {"type": "object"}


async def test_prefill_is_asked_once_although_it_has_no_text() -> None:
    model, scripted = insistent(["Unseen."])
    heard = await hear(model, asking(prefill=True))
    assert [event.kind for event in heard.events] == ["ended"]
    assert len(scripted.requests) == 1


async def test_error_goes_on_from_any_try() -> None:
    model, _ = insistent([EATEN, Script(error=fault("overloaded"))])
    assert (await hear(model)).fault is ProviderFault.OVERLOADED


async def test_words_before_an_error_are_kept() -> None:
    model, _ = insistent([Script(pieces=["Half ", "an"], fail_after=1, error=fault("timeout"))])
    heard = await hear(model)
    assert (heard.text, heard.fault) == ("Half ", ProviderFault.TIMEOUT)


async def test_cancellation_between_tries_leaves_nothing_open() -> None:
    model, scripted = insistent([EATEN, Script(hold=asyncio.Event())])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hear(model))
        while len(scripted.requests) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
    assert (scripted.active, scripted.closed) == (0, 1)
