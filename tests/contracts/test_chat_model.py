"""What every ``ChatModel`` promises, asked of the fake and of the real ones."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path

import pytest

from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.breaker import Breakers, GuardedModel
from services.llm.chained import ChainedModel, link_to
from services.llm.embedded.supervisor import EmbeddedServer
from services.llm.insistent import InsistentModel
from services.llm.model import (
    ChatModel,
    ChatRequest,
    ContentDelta,
    Ended,
    ModelEvent,
    Priority,
    PromptMessage,
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
from services.settings import EmbeddedSettings, LlmSettings
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.openai_server import FakeOpenAi, HostedAnswer
from tests.fakes.scripted_model import Script, ScriptedModel

SMALL_MODEL = Path(sys.prefix) / "share" / "acore" / "models" / "smollm2-135m-instruct-q4_1.gguf"
Opened = Callable[[], AbstractAsyncContextManager[ChatModel]]


@asynccontextmanager
async def scripted() -> AsyncGenerator[ChatModel, None]:
    model = ScriptedModel(Script(text="Hello there, traveller.", token_seconds=0.01))
    yield model
    assert model.active == 0


def around_scripted(wrap: Callable[[ChatModel], ChatModel]) -> Opened:
    """A wrapper around the scripted model."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[ChatModel, None]:
        async with scripted() as model:
            yield wrap(model)

    return opened


def retrying(inner: ChatModel) -> ChatModel:
    rng = random.Random(1)
    return RetryingModel(inner, tries=3, first_pause=0.01, rng=rng, metrics=Metrics())


def guarded(inner: ChatModel) -> ChatModel:
    breakers = Breakers(failures=1, seconds=30, clock=SystemClock(), metrics=Metrics())
    return GuardedModel(inner, breakers.of("scripted", "scripted"))


def insistent(inner: ChatModel) -> ChatModel:
    return InsistentModel(inner, Metrics())


def chained(inner: ChatModel) -> ChatModel:
    lost = ProviderError("scripted", ProviderFault.UNREACHABLE, "It is not there.")
    first = ScriptedModel(lambda request: "" if request.prefill else Script(error=lost))
    return ChainedModel(
        [link_to("first", first), link_to("second", inner)],
        tokens=EstimatedTokens(),
        metrics=Metrics(),
        on_fallback=lambda *_: None,
    )


def alone_in_chain(inner: ChatModel) -> ChatModel:
    return ChainedModel(
        [link_to("only", insistent(retrying(guarded(inner))))],
        tokens=EstimatedTokens(),
        metrics=Metrics(),
        on_fallback=lambda *_: None,
    )


@asynccontextmanager
async def ollama() -> AsyncGenerator[ChatModel, None]:
    settings = LlmSettings(concurrency=2)
    async with FakeOllama(default=Answer(delay_each=0.01)).running() as server:
        model = OllamaModel(
            "tiny",
            host=server.url,
            settings=settings,
            num_ctx=4096,
            clock=SystemClock(),
            lane=ProviderLane(2),
        )
        try:
            yield model
        finally:
            await model.aclose()


@asynccontextmanager
async def hosted() -> AsyncGenerator[ChatModel, None]:
    async with FakeOpenAi(default=HostedAnswer(delay_each=0.01)).running() as server:
        connection = OpenAiConnection(server.url, None, provider="vllm", connect_timeout=5.0)
        model = OpenAiModel(
            "tiny",
            connection=connection,
            settings=LlmSettings(),
            context_tokens=4096,
            clock=SystemClock(),
            lane=ProviderLane(2),
        )
        try:
            yield model
        finally:
            await connection.aclose()


@asynccontextmanager
async def embedded() -> AsyncGenerator[ChatModel, None]:
    if not SMALL_MODEL.exists():
        pytest.skip("the small built-in model is not installed: run `make setup MODEL=small`")
    folder = tempfile.TemporaryDirectory()
    data = Path(folder.name)
    settings = EmbeddedSettings(model=str(SMALL_MODEL), num_ctx=1024, prefixes=data)
    server = EmbeddedServer(settings, data=data, on_notice=lambda *_: None)
    model = OllamaModel(
        None,
        host=server.start,
        settings=LlmSettings(),
        num_ctx=1024,
        clock=SystemClock(),
        lane=ProviderLane(1),
    )
    try:
        yield model
    finally:
        await model.aclose()
        await server.aclose()
        folder.cleanup()
        await server.aclose()


@pytest.fixture(
    params=[
        scripted,
        around_scripted(retrying),
        around_scripted(guarded),
        around_scripted(insistent),
        around_scripted(chained),
        around_scripted(alone_in_chain),
        pytest.param(ollama, marks=pytest.mark.integration),
        pytest.param(hosted, marks=pytest.mark.integration),
        pytest.param(embedded, marks=[pytest.mark.integration, pytest.mark.timeout(60)]),
    ],
    ids=[
        *("scripted", "retrying", "guarded", "insistent", "chained", "whole stack"),
        *("ollama", "openai", "embedded"),
    ],
)
async def model(request: pytest.FixtureRequest) -> AsyncGenerator[ChatModel, None]:
    opened: Opened = request.param
    async with opened() as model:
        await model.open()
        yield model


def asking(text: str = "Say hello.", **options) -> ChatRequest:
    system = PromptMessage(role=PromptRole.SYSTEM, content="You are kind.", source="test")
    user = PromptMessage(role=PromptRole.USER, content=text, source="test")
    return ChatRequest(
        messages=(system, user),
        sampling=Sampling(max_tokens=24, temperature=0.0, seed=1),
        **options,
    )


async def collect(model: ChatModel, request: ChatRequest) -> list[ModelEvent]:
    async with aclosing(model.stream(request)) as events:
        return [event async for event in events]


async def test_open_is_idempotent_and_info_agrees(model: ChatModel) -> None:
    info = await model.open()
    assert info == model.info == await model.open()
    assert info.context_tokens > 0
    assert info.name
    assert info.provider


async def test_answer_is_text_and_then_exactly_one_end(model: ChatModel) -> None:
    events = await collect(model, asking())
    assert [event for event in events if isinstance(event, Ended)] == events[-1:]
    assert "".join(event.text for event in events if isinstance(event, ContentDelta)).strip()
    assert all(event.text for event in events if isinstance(event, ContentDelta))


async def test_prefill_yields_nothing_but_the_end(model: ChatModel) -> None:
    events = await collect(model, asking(prefill=True, priority=Priority.PREFILL))
    assert [event.kind for event in events] == ["ended"]


async def test_closing_early_leaves_the_model_usable(model: ChatModel) -> None:
    async with aclosing(model.stream(asking())) as events:
        async for event in events:
            if isinstance(event, ContentDelta):
                break
    assert (await collect(model, asking()))[-1].kind == "ended"


async def test_cancelling_leaves_the_model_usable(model: ChatModel) -> None:
    for delay in (0.0, 0.005, 0.03):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(collect(model, asking()))
            await asyncio.sleep(delay)
            task.cancel()
    assert (await collect(model, asking()))[-1].kind == "ended"


async def test_answers_at_the_same_time_do_not_mix(model: ChatModel) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(collect(model, asking())) for _ in range(3)]
    for task in tasks:
        kinds = [event.kind for event in task.result()]
        assert kinds.count("ended") == 1
        assert kinds[-1] == "ended"


async def test_probe_says_that_it_is_well(model: ChatModel) -> None:
    health = await model.probe()
    assert health.ok
    assert health.detail
