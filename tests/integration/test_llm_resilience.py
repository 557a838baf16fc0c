"""Servers that fail in every way, with all wrappers around them and a second server behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from services.domain.clock import SystemClock
from services.domain.errors import ProviderFault
from services.llm.breaker import Breakers, BreakerState, GuardedModel
from services.llm.chained import ChainedModel, link_to
from services.llm.insistent import InsistentModel
from services.llm.ollama import OllamaModel
from services.llm.priority import ProviderLane
from services.llm.retrying import RetryingModel
from services.llm.tokens import EstimatedTokens
from services.observability.metrics import Metrics
from services.settings import LlmSettings
from tests.fakes.heard import hear
from tests.fakes.model_requests import asking
from tests.fakes.ollama_server import Answer, FakeOllama, Model

QUICK = LlmSettings(
    connect_timeout_seconds=0.5, first_token_timeout_seconds=0.2, stall_timeout_seconds=0.2
)
FIRST, SECOND = "Hello there.", "Second here."


@dataclass
class Pair:
    first: FakeOllama
    second: FakeOllama
    chain: ChainedModel
    breakers: Breakers

    @property
    def state(self) -> BreakerState:
        return self.breakers.of("ollama", "first").status.state


@asynccontextmanager
async def pair(default: Answer) -> AsyncGenerator[Pair, None]:
    thinking = {"tiny": Model(capabilities=("completion", "tools", "thinking"), running=True)}
    first = FakeOllama(default=default, models=thinking)
    second = FakeOllama(default=Answer(pieces=("Second", " here.")))
    metrics, clock = Metrics(), SystemClock()
    breakers = Breakers(failures=3, seconds=0.3, clock=clock, metrics=metrics)
    links = []
    async with AsyncExitStack() as stack:
        for name, server in (("first", first), ("second", second)):
            await stack.enter_async_context(server.running())
            raw = OllamaModel(
                "tiny",
                host=server.url,
                settings=QUICK,
                num_ctx=4096,
                clock=clock,
                lane=ProviderLane(1),
            )
            stack.push_async_callback(raw.aclose)
            guarded = GuardedModel(raw, breakers.of("ollama", name))
            retrying = RetryingModel(
                guarded, tries=3, first_pause=0.01, rng=random.Random(1), metrics=metrics
            )
            links.append(link_to(name, InsistentModel(retrying, metrics)))
        chain = ChainedModel(
            links, tokens=EstimatedTokens(), metrics=metrics, on_fallback=lambda *_: None
        )
        await chain.open()
        yield Pair(first, second, chain, breakers)


@pytest.mark.parametrize(
    ("answer", "calls", "opened"),
    [
        pytest.param(Answer(status=500, error="boom"), 3, True, id="server error"),
        pytest.param(Answer(cut_after=0), 3, True, id="cut before the first word"),
        pytest.param(Answer(end_after=0), 3, True, id="ended before the first word"),
        pytest.param(Answer(stall_after=0), 2, False, id="no first word"),
        pytest.param(Answer(status=429, error="busy"), 3, False, id="too many requests"),
        pytest.param(Answer(status=400, error="bad"), 1, False, id="rejected"),
        pytest.param(Answer(status=404, error="model 'tiny' not found"), 1, False, id="missing"),
        pytest.param(
            Answer(pieces=(), done_reason="length"), 3, False, id="thought ate the budget"
        ),
        pytest.param(Answer(pieces=()), 2, False, id="silence"),
        pytest.param(Answer(raw_after=(1, b"{]\n"), pieces=("",)), 1, False, id="garbage"),
    ],
)
async def test_second_server_answers_whatever_the_first_does(
    answer: Answer, calls: int, *, opened: bool
) -> None:
    async with pair(answer) as both:
        heard = await hear(both.chain)
        assert (heard.text, heard.ended.model) == (SECOND, "second")
        assert len(both.first.chats) == calls
        assert (both.state is BreakerState.OPEN) == opened
        assert len(both.second.chats) == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(cut_after=1), ProviderFault.BROKEN_STREAM),
        (Answer(stall_after=1), ProviderFault.TIMEOUT),
        (Answer(error_after=1, error="boom"), None),
    ],
    ids=["cut", "stall", "error line"],
)
async def test_half_an_answer_stays_half_an_answer(
    answer: Answer, fault: ProviderFault | None
) -> None:
    async with pair(answer) as both:
        heard = await hear(both.chain)
        assert heard.text == "Hello"
        assert heard.error
        assert fault in (None, heard.fault)
        assert (len(both.first.chats), both.second.chats) == (1, [])


async def test_one_bad_moment_is_not_noticed_by_the_reader() -> None:
    async with pair(Answer()) as both:
        both.first.answers.extend([Answer(status=500, error="boom"), Answer(cut_after=0)])
        heard = await hear(both.chain)
        assert (heard.text, heard.ended.model) == (FIRST, "first")


async def test_first_server_answers_again_after_its_rest() -> None:
    async with pair(Answer()) as both:
        both.first.answers.extend([Answer(status=500, error="boom")] * 3)
        assert (await hear(both.chain)).text == SECOND
        assert (await hear(both.chain)).text == SECOND
        assert len(both.first.chats) == 3, "an open breaker still let a call through"
        await asyncio.sleep(0.35)
        assert (await hear(both.chain)).text == FIRST
        assert both.state is BreakerState.CLOSED


async def test_stop_reaches_the_server_through_all_wrappers() -> None:
    async with pair(Answer(endless=True, delay_each=0.005)) as both:
        async with aclosing(both.chain.stream(asking())) as events:
            await anext(events)
        async with asyncio.timeout(1):
            await both.first.left.wait()
        assert both.first.active == 0
