"""Another model takes over before the first word, and never after it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Any

import pytest

from services.domain.calls import ToolCall
from services.domain.errors import NotAllowed, ProviderError, ProviderFault
from services.llm.breaker import Breakers, GuardedModel
from services.llm.chained import ChainedModel, ModelLink, link_to
from services.llm.model import ChatModel, ChatRequest, ModelInfo, PromptRole, Sampling, ToolSchema
from services.llm.priority import Preempted
from services.llm.streamed_model import NotOpenedError
from services.llm.tokens import EstimatedTokens, prompt_tokens
from services.observability.metrics import Metrics
from tests.fakes.clock import ManualClock
from tests.fakes.heard import hear
from tests.fakes.model_requests import asking, fault, saying
from tests.fakes.scripted_model import Playbook, Script, ScriptedModel

SYSTEM, USER, ASSISTANT, TOOL = PromptRole
CALL = ToolCall(id="c1", name="search", arguments={"q": "tea"})
DOWN = Script(error=fault("unreachable"))


def model(name: str, playbook: Playbook, context_tokens: int = 8192, **fields) -> ScriptedModel:
    info = ModelInfo(provider="scripted", name=name, context_tokens=context_tokens, tools=True)
    return ScriptedModel(playbook, info=info, **fields)


class Setup:
    def __init__(self, *models: ChatModel | ModelLink) -> None:
        self.metrics = Metrics()
        self.notices: list[tuple[str, str]] = []
        self.supplied: list[str] = []
        names = "abc"
        links = [
            each
            if isinstance(each, ModelLink)
            else ModelLink(name=names[n], supply=self.supplying(names[n], each))
            for n, each in enumerate(models)
        ]
        self.chain = ChainedModel(
            links,
            tokens=EstimatedTokens(),
            metrics=self.metrics,
            on_fallback=lambda *names: self.notices.append(names),
        )

    def supplying(self, name: str, model: ChatModel):
        async def supply() -> ChatModel:
            self.supplied.append(name)
            await asyncio.sleep(0)  # as one that has to look first
            return model

        return supply


@pytest.mark.parametrize("kind", list(ProviderFault))
async def test_every_fault_before_the_first_word_is_taken_over(kind: ProviderFault) -> None:
    setup = Setup(model("one", Script(error=fault(kind))), model("two", "Second here."))
    await setup.chain.open()
    heard = await hear(setup.chain)
    assert (heard.text, heard.error, heard.ended.model) == ("Second here.", None, "b")
    assert setup.notices == [("a", "b")]
    assert setup.metrics.counted("fallbacks", **{"from": "a", "to": "b"}) == 1


async def test_fallback_is_not_even_supplied_while_the_first_is_well() -> None:
    setup = Setup(model("one", "Fine."), model("two", "Never."))
    await setup.chain.open()
    assert (await hear(setup.chain)).ended.model == "a"
    assert (setup.supplied, setup.notices) == (["a"], [])


@pytest.mark.parametrize(
    "begun",
    [{"pieces": ["Once ", "upon"], "fail_after": 1}, {"calls": [CALL]}],
    ids=["text", "tool call"],
)
async def test_nobody_takes_over_after_the_first_delivery(begun: dict[str, Any]) -> None:
    second = model("two", "Never.")
    setup = Setup(model("one", Script(error=fault("broken_stream"), **begun)), second)
    await setup.chain.open()
    heard = await hear(setup.chain)
    assert heard.fault is ProviderFault.BROKEN_STREAM
    assert (len(heard.events), second.requests, setup.notices) == (1, [], [])


async def test_thought_of_the_failed_model_is_not_followed_by_another() -> None:
    broken = Script(reasoning="First thought.", error=fault("timeout"))
    setup = Setup(model("one", broken), model("two", Script(reasoning="Second.", text="Yes.")))
    await setup.chain.open()
    heard = await hear(setup.chain)
    assert (heard.reasoning, heard.text) == ("First thought.", "Yes.")


async def test_when_all_fail_the_first_error_is_told_and_the_log_has_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kinds = ("unreachable", "rejected", "unauthorized")
    setup = Setup(*[model(kind, Script(error=fault(kind))) for kind in kinds])
    await setup.chain.open()
    with caplog.at_level(logging.WARNING, "services.llm.chained"):
        heard = await hear(setup.chain)
    assert heard.error
    assert heard.error.user_message == "It failed: unreachable."
    assert vars(caplog.records[-1])["failures"] == [
        "a: provider_unreachable detail of unreachable",
        "b: provider_rejected detail of rejected",
        "c: provider_unauthorized detail of unauthorized",
    ]
    assert setup.notices == []


@pytest.mark.parametrize(
    ("error", "request_"),
    [
        (Preempted("scripted"), asking()),
        (fault("unreachable"), asking(prefill=True)),
    ],
    ids=["preempted", "warm-up"],
)
async def test_call_that_can_wait_is_not_moved(error: ProviderError, request_: ChatRequest) -> None:
    second = model("two", "Never.")
    setup = Setup(model("one", Script(error=error)), second)
    await setup.chain.open()
    assert (await hear(setup.chain, request_)).error is error
    assert second.requests == []


async def test_refusal_and_cancellation_are_not_taken_over() -> None:
    async def refuse() -> ChatModel:
        raise NotAllowed("quota", "You may not ask this model.")

    second = model("two", "Never.")
    setup = Setup(ModelLink(name="a", supply=refuse), second)
    with pytest.raises(NotAllowed):
        await setup.chain.open()
    first = model("one", Script(hold=asyncio.Event()))
    setup = Setup(first, second)
    await setup.chain.open()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hear(setup.chain))
        await asyncio.sleep(0.001)
        task.cancel()
    assert task.cancelled()
    assert (second.requests, first.active, first.closed) == ([], 0, 1)


async def test_opening_takes_the_first_that_works_and_the_better_one_returns_later() -> None:
    first = model("one", "First here.", open_errors=[fault("unreachable")] * 2)
    setup = Setup(first, model("two", "Second here."))
    assert (await setup.chain.open()).name == setup.chain.info.name == "two"
    assert (await hear(setup.chain)).text == "Second here."
    assert (await hear(setup.chain)).text == "First here."
    assert setup.chain.info.name == "one"


async def test_opening_fails_with_the_first_error_and_may_be_tried_again() -> None:
    setup = Setup(
        model("one", "Fine.", open_errors=[fault("unreachable")]),
        model("two", "Fine.", open_errors=[fault("model_missing")]),
    )
    with pytest.raises(NotOpenedError):
        _ = setup.chain.info
    with pytest.raises(ProviderError, match="unreachable"):
        await setup.chain.open()
    assert (await setup.chain.open()).name == "one"


async def test_fallback_is_supplied_once_for_calls_at_the_same_time() -> None:
    setup = Setup(model("one", DOWN), model("two", "Fine."))
    await setup.chain.open()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(hear(setup.chain))
    assert setup.supplied == ["a", "b"]


async def test_probe_speaks_for_whoever_can_answer() -> None:
    setup = Setup(model("one", "", open_errors=[fault("unreachable")]), model("two", ""))
    health = await setup.chain.probe()
    assert health.ok
    assert health.detail.startswith("It failed: unreachable. The scripted model")
    lost = [model(name, "", open_errors=[fault("unreachable")]) for name in "ab"]
    assert not (await Setup(*lost).chain.probe()).ok


async def test_open_breaker_hands_over_without_asking_the_first() -> None:
    clock, first = ManualClock(), model("one", DOWN)
    breakers = Breakers(failures=1, seconds=30, clock=clock, metrics=Metrics())
    setup = Setup(GuardedModel(first, breakers.of("ollama", "one")), model("two", "Second here."))
    await setup.chain.open()
    for _ in range(3):
        assert (await hear(setup.chain)).text == "Second here."
    assert len(first.requests) == 1


def tool_round() -> ChatRequest:
    history = [saying(USER if n % 2 else ASSISTANT, f"Old message {n}. " * 10) for n in range(60)]
    return ChatRequest(
        messages=(
            saying(SYSTEM, "You are Mira."),
            *history,
            saying(USER, "What about tea?"),
            saying(ASSISTANT, "", tool_calls=(CALL,)),
            saying(TOOL, "Tea is hot.", tool_call_id="c1"),
        ),
        tools=(ToolSchema(name="search", description="Finds.", parameters={"type": "object"}),),
        sampling=Sampling(max_tokens=400),
    )


async def test_prompt_is_cut_for_a_smaller_model_with_its_tool_round_whole() -> None:
    small = model("two", "Hot.", context_tokens=1024)
    setup = Setup(model("one", DOWN), small)
    await setup.chain.open()
    request = tool_round()
    assert (await hear(setup.chain, request)).text == "Hot."
    (asked,) = small.requests
    size = prompt_tokens(EstimatedTokens(), asked.messages, asked.tools)
    assert 400 < size <= 1024 - asked.sampling.max_tokens
    assert asked.messages[0] is request.messages[0]
    assert list(asked.messages[1:]) == list(request.messages[-len(asked.messages) + 1 :])
    assert asked.tools == request.tools


async def test_prompt_packed_for_a_larger_fallback_is_cut_for_the_first_when_it_is_back() -> None:
    first = model("one", "Hot.", context_tokens=1024, open_errors=[fault("unreachable")])
    setup = Setup(first, model("two", "Never."))
    await setup.chain.open()
    assert (await hear(setup.chain, tool_round())).ended.model == "a"
    assert len(first.requests[0].messages) < len(tool_round().messages)


async def test_prompt_stays_as_it_is_for_a_model_of_the_same_size() -> None:
    second = model("two", "Hot.")
    setup = Setup(model("one", DOWN), second)
    await setup.chain.open()
    request = tool_round()
    await hear(setup.chain, request)
    assert second.requests == [request]


async def test_closing_early_closes_the_fallback_and_the_first_is_asked_next_time() -> None:
    first, second = model("one", [DOWN, "First here."]), model("two", "One two three.")
    setup = Setup(link_to("a", first), link_to("b", second))
    await setup.chain.open()
    async with aclosing(setup.chain.stream(asking())) as events:
        await anext(events)
    assert (second.closed, second.active) == (1, 0)
    assert (await hear(setup.chain)).text == "First here."
