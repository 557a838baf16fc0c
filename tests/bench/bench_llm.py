"""What stands between a model and its reader: wrappers, fallback, cache and stop."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.domain.replies import Usage
from services.llm.breaker import Breakers, GuardedModel
from services.llm.cached import AnswerCache, CachedModel
from services.llm.chained import ChainedModel, link_to
from services.llm.insistent import InsistentModel
from services.llm.model import (
    ChatModel,
    ChatRequest,
    ContentDelta,
    Ended,
    Health,
    ModelEvent,
    ModelInfo,
    PromptRole,
    Sampling,
)
from services.llm.ollama import OllamaModel
from services.llm.openai_connection import OpenAiConnection
from services.llm.openai_model import OpenAiModel
from services.llm.priority import ProviderLane
from services.llm.retrying import RetryingModel
from services.llm.tokens import EstimatedTokens
from services.observability.metrics import Metrics
from services.settings import LlmSettings
from tests.bench.results import Figure, median, percentile, report
from tests.fakes.heard import hear
from tests.fakes.model_requests import asking, saying
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.openai_server import FakeOpenAi, HostedAnswer

CALLS = 2000
TOKENS = 400


class InstantModel:
    """Yields ready events, or fails, without waiting."""

    def __init__(self, name: str, *, context_tokens: int = 8192, fails: bool = False) -> None:
        self.info = ModelInfo(provider="instant", name=name, context_tokens=context_tokens)
        self._fails = fails
        words: list[ModelEvent] = [ContentDelta(text="word ")] * TOKENS
        self._events = [*words, Ended(finish="stop", usage=Usage())]

    async def open(self) -> ModelInfo:
        return self.info

    async def probe(self) -> Health:
        return Health(ok=True, detail="It is always well.")

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        if self._fails:
            raise ProviderError("instant", ProviderFault.UNREACHABLE, "It is not there.")
        for event in self._events:
            yield event


def stack(*models: ChatModel, failures: int = 3) -> ChainedModel:
    """The whole stack of wrappers, as programs run it."""
    metrics, clock = Metrics(), SystemClock()
    breakers = Breakers(failures=failures, seconds=3600, clock=clock, metrics=metrics)
    links = []
    for model in models:
        guarded = GuardedModel(model, breakers.of(model.info.provider, model.info.name))
        retrying = RetryingModel(
            guarded, tries=3, first_pause=0.001, rng=random.Random(1), metrics=metrics
        )
        links.append(link_to(model.info.name, InsistentModel(retrying, metrics)))
    return ChainedModel(
        links, tokens=EstimatedTokens(), metrics=metrics, on_fallback=lambda *_: None
    )


async def to_first(model: ChatModel, request: ChatRequest, calls: int = CALLS) -> list[float]:
    """Milliseconds to the first token of each call."""
    spans = []
    for _ in range(calls):
        began = time.perf_counter()
        async with aclosing(model.stream(request)) as events:
            await anext(events)
            spans.append((time.perf_counter() - began) * 1000)
    return spans


async def per_token(model: ChatModel) -> float:
    """Microseconds per token, median of many answers."""
    spans = []
    for _ in range(CALLS // 10):
        began = time.perf_counter()
        await hear(model)
        spans.append((time.perf_counter() - began) * 1e6 / TOKENS)
    return median(spans)


async def overhead() -> list[Figure]:
    """The stack against the bare model."""
    bare, wrapped = InstantModel("bare"), stack(InstantModel("wrapped"))
    await wrapped.open()
    first = median(await to_first(wrapped, asking())) - median(await to_first(bare, asking()))
    each = await per_token(wrapped) - await per_token(bare)
    return [
        Figure(name="wrappers, first token", value=first, unit="ms", target=0.5),
        Figure(name="wrappers, per token", value=each, unit="us", target=20),
    ]


async def cached() -> list[Figure]:
    """A whole answer out of the cache, for a full prompt."""
    cache = AnswerCache(1000, 3600.0, SystemClock(), metrics=Metrics())
    model = CachedModel(stack(InstantModel("asked")), cache, "instant")
    await model.open()
    request = prompt(0)
    sampling = replace(request.sampling, temperature=0.0)
    request = replace(request, repeatable=True, sampling=sampling)
    await hear(model, request)
    spans = []
    for _ in range(CALLS // 4):
        began = time.perf_counter()
        await hear(model, request)
        spans.append((time.perf_counter() - began) * 1000)
    assert len(cache) == 1
    return [
        Figure(name="cached call, full prompt p50", value=median(spans), unit="ms", target=0.5),
        Figure(name="cached call, full prompt p99", value=percentile(spans, 0.99), unit="ms"),
    ]


async def fallback() -> list[Figure]:
    """The breaker of the first is open: what that adds to the second's first token."""
    figures = []
    for what, context in (("", 8192), (", prompt cut to half", 4096)):
        second = InstantModel("second", context_tokens=context)
        chain = stack(InstantModel("first", fails=True), second)
        await chain.open()
        await hear(chain)
        alone = median(await to_first(second, prompt(0), CALLS // 4))
        spans = [(await to_first(chain, prompt(n), 1))[0] - alone for n in range(CALLS // 4)]
        name = f"breaker open to fallback's first token{what}"
        figures += [
            Figure(name=f"{name} p50", value=median(spans), unit="ms", target=10),
            Figure(name=f"{name} p99", value=percentile(spans, 0.99), unit="ms", target=10),
        ]
    return figures


def prompt(number: int) -> ChatRequest:
    """A conversation that fills 8192 tokens, its last message never seen before."""
    text = "The rain had stopped and she asked whether the ferry would still run tonight. "
    roles = (PromptRole.USER, PromptRole.ASSISTANT)
    history = [saying(roles[n % 2], f"{n} {text * 5}") for n in range(79)]
    last = saying(PromptRole.USER, f"{number} {text}")
    system = saying(PromptRole.SYSTEM, text * 40)
    return ChatRequest(messages=(system, *history, last), sampling=Sampling(max_tokens=400))


@asynccontextmanager
async def endless_ollama() -> AsyncGenerator[tuple[ChatModel, list[float]], None]:
    """A model that never stops by itself, and when its server noticed that nobody listens."""
    answer = Answer(endless=True, delay_each=0.005)
    async with FakeOllama(default=answer).running() as server:
        model = OllamaModel(
            "tiny",
            host=server.url,
            settings=LlmSettings(),
            num_ctx=4096,
            clock=SystemClock(),
            lane=ProviderLane(1),
        )
        try:
            await model.open()
            yield model, server.disconnects
        finally:
            await model.aclose()


@asynccontextmanager
async def endless_openai() -> AsyncGenerator[tuple[ChatModel, list[float]], None]:
    """The same on an OpenAI-compatible endpoint."""
    answer, key = HostedAnswer(endless=True, delay_each=0.005), SecretStr("bench")
    settings = LlmSettings()
    async with FakeOpenAi(default=answer).running() as server:
        connection = OpenAiConnection(server.url, key, provider="vllm", connect_timeout=5.0)
        model = OpenAiModel(
            "tiny",
            connection=connection,
            settings=settings,
            context_tokens=4096,
            clock=SystemClock(),
            lane=ProviderLane(1),
        )
        try:
            await model.open()
            yield model, server.disconnects
        finally:
            await connection.aclose()


async def stop(provider: str, model: ChatModel, disconnects: list[float]) -> list[Figure]:
    """From leaving the stream in the middle to the server's noticing it."""
    chain, loop, spans = stack(model), asyncio.get_running_loop(), []
    await chain.open()
    for _ in range(60):
        noticed = len(disconnects)
        async with aclosing(chain.stream(asking())) as events:
            for _ in range(5):
                await anext(events)
            began = loop.time()
        while len(disconnects) == noticed:  # noqa: ASYNC110
            await asyncio.sleep(0.0002)
        spans.append((disconnects[-1] - began) * 1000)
    name = f"stop to server's disconnect, {provider} p95"
    return [Figure(name=name, value=percentile(spans, 0.95), unit="ms", target=20)]


async def main() -> None:
    """Measure all."""
    logging.getLogger("services.llm").addHandler(logging.NullHandler())
    figures = [*await overhead(), *await cached(), *await fallback()]
    async with endless_ollama() as (model, disconnects):
        figures += await stop("Ollama", model, disconnects)
    async with endless_openai() as (model, disconnects):
        figures += await stop("OpenAI", model, disconnects)
    report("llm", figures)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    asyncio.run(main())
