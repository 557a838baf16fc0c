"""What a model's use leaves in the metrics, and when a lost prompt is spoken of."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from services.domain.calls import ToolCall
from services.domain.errors import ProviderError, ProviderFault
from services.domain.replies import Usage
from services.llm.metered import MeteredModel
from services.llm.model import (
    ChatRequest,
    Ended,
    ModelEvent,
    ModelInfo,
    Priority,
    PromptMessage,
    PromptRole,
)
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.observability.metrics import Metrics
from tests.fakes.scripted_model import Playbook, Script, ScriptedModel
from tests.fakes.token_samples import SAMPLES

INFO = ModelInfo(provider="ollama", name="tiny", context_tokens=8192, tools=True)
HERE = {"endpoint": "ollama", "model": "tiny"}
ENGLISH = SAMPLES["prose_book"][0] + " " + SAMPLES["prose_system"][0]
CHINESE = SAMPLES["cjk_zh"][0]


class Desk:
    """A metered model, its metrics and its notices."""

    def __init__(self, playbook: Playbook = "Hello there.") -> None:
        self.metrics = Metrics()
        self.notices: list[tuple[str, str]] = []
        self.tokens = CalibratedTokens(EstimatedTokens())
        self.scripted = ScriptedModel(playbook, info=INFO)
        self.model = self.again()

    def again(self) -> MeteredModel:
        return MeteredModel(
            self.scripted,
            metrics=self.metrics,
            tokens=self.tokens,
            on_notice=lambda code, text: self.notices.append((code, text)),
        )

    async def ask(self, request: ChatRequest) -> list[ModelEvent]:
        async with aclosing(self.model.stream(request)) as events:
            return [event async for event in events]

    async def counts(self, request: ChatRequest, *counts: int, cached: int = 0) -> int:
        """Let the server count ``request`` so, one call per count; return the notices so far."""
        for count in counts:
            usage = Usage(prompt_tokens=count, cached_tokens=cached)
            self.scripted._playbook = Script(text="Yes.", usage=usage)
            await self.ask(request)
        return len(self.notices)

    def estimate(self, request: ChatRequest) -> int:
        return self.tokens.raw(request.messages)


def request(*texts: str, **options) -> ChatRequest:
    messages = [PromptMessage(role=PromptRole.USER, content=each, source="t") for each in texts]
    return ChatRequest(messages=messages, **options)


def long_request(text: str, tokens: int) -> ChatRequest:
    """A prompt of about so many estimated tokens, the parts of ``text`` in random order."""
    rng = random.Random(tokens)
    parts, glue = (text.split(), " ") if text == ENGLISH else (list(text), "")
    parts *= tokens // EstimatedTokens().count(text)
    rng.shuffle(parts)
    return request("You are Mira.", glue.join(parts))


async def test_good_answer_leaves_times_tokens_and_an_outcome():
    usage = Usage(prompt_tokens=30, cached_tokens=20, completion_tokens=7)
    desk = Desk(
        Script(
            text="Hello there.",
            usage=usage,
            first_token_seconds=0.05,
            token_seconds=0.02,
            reasoning="",
        )
    )
    events = await desk.ask(request("Hi"))
    assert isinstance(events[-1], Ended)
    metrics = desk.metrics
    assert metrics.counted("llm_requests", **HERE, outcome="ok") == 1
    assert metrics.counted("llm_prompt_tokens", **HERE) == 30
    assert metrics.counted("llm_cached_prompt_tokens", **HERE) == 20
    assert metrics.counted("llm_completion_tokens", **HERE) == 7
    assert metrics.counted("llm_answers", **HERE, reasoning="no") == 1
    assert metrics.total("llm_empty_replies") == 0
    (first,) = metrics.timed("llm_first_token_seconds", **HERE, priority="conversation")
    (whole,) = metrics.timed("llm_request_seconds", **HERE, priority="conversation")
    assert 0.06 <= first < whole


@pytest.mark.parametrize("fault", list(ProviderFault))
async def test_every_fault_is_an_outcome_and_goes_on(fault: ProviderFault):
    desk = Desk(Script(text="Half an answer", error=ProviderError("ollama", fault, "Try again.")))
    with pytest.raises(ProviderError):
        await desk.ask(request("Hi"))
    assert desk.metrics.snapshot() == {
        f"llm_requests{{endpoint=ollama,model=tiny,outcome={fault.value}}}": 1
    }
    assert desk.metrics.timed("llm_request_seconds", **HERE, priority="conversation") == []


async def test_closing_early_and_cancelling_are_cancelled_and_stop_the_model():
    desk = Desk(Script(text="A long answer", token_seconds=0.01))
    async with aclosing(desk.model.stream(request("Hi"))) as events:
        await anext(events)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.ask(request("Hi")))
        await asyncio.sleep(0.015)
        task.cancel()
    assert desk.metrics.counted("llm_requests", **HERE, outcome="cancelled") == 2
    assert (desk.scripted.active, desk.scripted.closed) == (0, 2)


async def test_reader_that_stops_at_the_end_has_not_cancelled():
    desk = Desk()
    async with aclosing(desk.model.stream(request("Hi"))) as events:
        async for event in events:
            if event.kind == "ended":
                break
    assert desk.metrics.counted("llm_requests", **HERE, outcome="ok") == 1


async def test_thought_without_an_answer_is_an_empty_reply_and_a_tool_call_is_not():
    call = ToolCall(id="1", name="dice", arguments={})
    desk = Desk([Script(reasoning="Hmm", finish="length"), Script(calls=[call])])
    await desk.ask(request("Hi"))
    assert desk.metrics.counted("llm_empty_replies", **HERE) == 1
    assert desk.metrics.counted("llm_answers", **HERE, reasoning="yes") == 1
    await desk.ask(request("Hi"))
    assert desk.metrics.counted("llm_empty_replies", **HERE) == 1


async def test_warm_up_is_no_answer():
    desk = Desk()
    await desk.ask(request("Hi", prefill=True, priority=Priority.PREFILL))
    assert desk.metrics.counted("llm_prefills", **HERE, outcome="ok") == 1
    assert desk.metrics.total("llm_requests") == desk.metrics.total("llm_answers") == 0
    assert desk.metrics.timed("llm_request_seconds", **HERE, priority="prefill") == []


async def test_prompt_cut_to_a_default_window_is_told_once_per_model(caplog):
    desk = Desk()
    small, large = long_request(ENGLISH, 1500), long_request(ENGLISH, 7000)
    assert await desk.counts(small, 1300, 1300) == 0
    with caplog.at_level(logging.WARNING):
        assert await desk.counts(large, 2040, 2040) == 1
    desk.model = desk.again()  # as the catalog makes it anew
    assert await desk.counts(large, 2040) == 1
    ((code, text),) = desk.notices
    assert code == "prompt_shortfall"
    assert "tiny" in text
    assert "num_ctx" in text
    assert "2,048" in text
    assert desk.metrics.counted("prompt_shortfall", **HERE) == 3
    assert desk.tokens.factor == 1.0
    assert {record.num_ctx for record in caplog.records} == {8192}


async def test_cut_prompt_is_noticed_at_the_very_first_answer():
    assert await Desk().counts(long_request(ENGLISH, 7000), 2040) == 1


async def test_window_of_half_the_prompt_is_noticed_once_the_estimate_is_known():
    desk = Desk()
    large = long_request(ENGLISH, 9000)
    honest = int(desk.estimate(large) * 0.85)
    assert await desk.counts(large, honest, honest, honest, honest, honest) == 0
    assert await desk.counts(long_request(ENGLISH, 12_000), 4090) == 1


@pytest.mark.parametrize(("part", "notices"), [(2.0, 0), (2.9, 0), (3.2, 1)])
async def test_third_of_the_expected_is_noticed_at_any_size(part: float, notices: int):
    desk = Desk()
    wordless = long_request(CHINESE, 6000)
    honest = int(desk.estimate(wordless) * 0.8)
    assert await desk.counts(wordless, *[honest] * 4) == 0
    assert await desk.counts(wordless, honest) == 0
    assert await desk.counts(wordless, int(honest / part)) == notices


async def test_estimate_not_yet_calibrated_accuses_nobody():
    desk = Desk()
    wordless = long_request(CHINESE, 6000)
    honest = int(desk.estimate(wordless) * 0.8)
    assert await desk.counts(wordless, *[honest] * 4, int(honest / 4)) == 0


@pytest.mark.parametrize("share", [1.0, 0.6, 0.25])
async def test_chinese_counted_up_to_four_times_lower_is_no_shortfall(share: float):
    desk = Desk()
    for tokens in range(1200, 20_000, 97):
        chinese = long_request(CHINESE, tokens)
        assert await desk.counts(chinese, int(desk.estimate(chinese) * share)) == 0


async def test_chinese_after_english_is_not_held_against_the_english_ratio():
    desk = Desk()
    english, chinese = long_request(ENGLISH, 5000), long_request(CHINESE, 8000)
    honest = int(desk.estimate(english) * 0.9)
    assert await desk.counts(english, *[honest] * 10) == 0
    assert await desk.counts(chinese, int(desk.estimate(chinese) * 0.25)) == 0


@pytest.mark.parametrize("counts", [[60, 45, 30, 900], [12], [1500, 700]])
async def test_server_that_counts_only_uncached_tokens_is_not_accused(counts: Sequence[int]):
    desk = Desk()
    large = long_request(ENGLISH, 7000)
    assert await desk.counts(large, int(desk.estimate(large) * 0.85), *counts) == 0


async def test_cached_tokens_count_as_read():
    desk = Desk()
    large = long_request(ENGLISH, 7000)
    honest = int(desk.estimate(large) * 0.85)
    assert await desk.counts(large, *[honest] * 6) == 0
    assert await desk.counts(large, 40, cached=honest - 40) == 0
    assert await desk.counts(large, honest, cached=honest - 40) == 0
    assert await desk.counts(large, 40, cached=1900) == 1


async def test_monotonous_text_and_pictures_are_left_alone():
    desk = Desk()
    large = long_request(ENGLISH, 5000)
    assert await desk.counts(large, *[int(desk.estimate(large) * 0.9)] * 8) == 0
    lines = request("You are Mira.", "=" * 20_000)
    assert desk.estimate(lines) > 10_000
    assert await desk.counts(lines, 320) == 0
    pictured = ChatRequest(
        messages=[
            PromptMessage(
                role=PromptRole.USER, content=large.messages[1].content, source="t", images=(b"x",)
            )
        ]
    )
    assert await desk.counts(pictured, 100) == 0


async def test_server_that_counts_nothing_is_not_accused():
    assert await Desk().counts(long_request(ENGLISH, 7000), 0, 0, 0) == 0


async def test_metering_passes_deltas_on_as_they_come():
    hold = asyncio.Event()

    class Slow(ScriptedModel):
        async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
            async with aclosing(super().stream(request)) as events:
                async for event in events:
                    yield event
                    await hold.wait()

    desk = Desk()
    desk.scripted = Slow("Hello there.", info=INFO)
    desk.model = desk.again()
    async with aclosing(desk.model.stream(request("Hi"))) as events:
        async with asyncio.timeout(1):
            assert (await anext(events)).kind == "content"
        hold.set()
