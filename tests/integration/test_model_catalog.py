"""Which model answers, and what happens when a server does not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.llm import catalog as module
from services.llm import hosts
from services.llm.catalog import ModelCatalog, PullProgress
from services.llm.engines import OllamaEngine
from services.llm.hosts import HostWatch
from services.llm.model import (
    ChatRequest,
    ModelListing,
    PromptMessage,
    PromptRole,
    Sampling,
)
from services.llm.ollama_connection import OllamaConnection
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.settings import (
    EmbeddedSettings,
    LlmSettings,
    OpenAiSettings,
    OpenRouterSettings,
)
from tests.fakes.catalog import Notices, catalog, free_port, refused
from tests.fakes.clock import ManualClock
from tests.fakes.heard import hear
from tests.fakes.ollama_server import Answer, FakeOllama, Model
from tests.fakes.openai_server import FakeOpenAi

REQUEST = ChatRequest(messages=(PromptMessage(role=PromptRole.USER, content="Hi", source="test"),))


@pytest.fixture
async def built_in(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[FakeOllama, None]:
    """The built-in server stood in for by a scripted one."""
    server = FakeOllama(models={"built-in": Model(running=True)})
    async with server.running():

        class Engine(OllamaEngine):
            def __init__(self, settings, embedded, *, clock, tokens, **_) -> None:
                super().__init__(settings, clock=clock, tokens=tokens, name="embedded")
                self._num_ctx = embedded.num_ctx

                async def start() -> str:
                    return server.url

                self.connection = OllamaConnection(start, connect_timeout=1.0, provider="embedded")

        monkeypatch.setattr(module, "EmbeddedEngine", Engine)
        yield server


async def test_configured_server_answers_with_its_context_size(tmp_path: Path) -> None:
    async with (
        FakeOllama().running() as server,
        catalog(tmp_path, ollama_host=server.url, num_ctx=2048) as models,
    ):
        model = await models.get()
        assert (model.info.name, model.info.context_tokens) == ("tiny", 2048)
        assert model.info.size_bytes == 1_000_000
        assert await models.get() is model
        assert server.url in models.describe()
        assert "tiny" in models.describe()


async def test_without_a_host_the_built_in_model_is_started_early(
    tmp_path: Path, built_in: FakeOllama
) -> None:
    async with catalog(tmp_path) as models:
        async with asyncio.timeout(5):
            await built_in.asked.wait()
        model = await models.get()
        assert (model.info.provider, model.info.name) == ("embedded", "built-in")
        assert model.info.context_tokens == EmbeddedSettings().num_ctx
        assert "built-in" in models.describe()
        assert "OLLAMA_HOST" in models.describe()


async def test_always_embedded_ignores_the_host(tmp_path: Path, built_in: FakeOllama) -> None:
    async with (
        FakeOllama().running() as server,
        catalog(tmp_path, ollama_host=server.url, embedded="always") as models,
    ):
        assert (await models.get()).info.name == "built-in"
        assert server.requests == []


async def test_unreachable_host_falls_back_with_one_notice(
    tmp_path: Path, built_in: FakeOllama
) -> None:
    notices = Notices()
    with refused() as host:
        async with catalog(tmp_path, notices=notices, ollama_host=host, model="llama") as models:
            assert built_in.requests == [], "the built-in model is not started on suspicion"
            async with asyncio.TaskGroup() as group:
                names = [group.create_task(models.get(name)) for name in (None, "llama", "x")]
            assert {task.result().info.name for task in names} == {"built-in"}
            assert (await models.available())[0].name == "built-in"
            assert "start Ollama" in models.describe()
    assert notices == [
        f"Ollama at {host} does not answer, so the built-in model is used; "
        "start Ollama or correct OLLAMA_HOST."
    ]


async def test_never_embedded_is_an_error(tmp_path: Path) -> None:
    with refused() as host:
        async with catalog(tmp_path, ollama_host=host, embedded="never") as models:
            for attempt in (models.get, models.available):
                with pytest.raises(ProviderError) as caught:
                    await attempt()
                assert caught.value.fault is ProviderFault.UNREACHABLE


async def test_unknown_model_on_a_reachable_server_does_not_fall_back(
    tmp_path: Path, built_in: FakeOllama
) -> None:
    notices = Notices()
    async with (
        FakeOllama().running() as server,
        catalog(tmp_path, notices=notices, ollama_host=server.url) as models,
    ):
        with pytest.raises(ProviderError) as caught:
            await models.get("llama")
        assert caught.value.fault is ProviderFault.MODEL_MISSING
        assert "main.py model pull llama" in caught.value.user_message
        assert (await models.get()).info.name == "tiny"
    assert notices == []
    assert built_in.requests == []


async def test_no_installed_model_is_one_sentence(tmp_path: Path) -> None:
    async with catalog(tmp_path) as models:
        with pytest.raises(ProviderError) as caught:
            await models.get()
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "make setup" in caught.value.user_message
    assert "OLLAMA_HOST" in caught.value.user_message


async def test_models_are_kept_by_name_and_bounded(tmp_path: Path) -> None:
    server = FakeOllama(models={f"m{number}": Model() for number in range(12)})
    async with (
        server.running(),
        catalog(tmp_path, ollama_host=server.url, model="m0") as models,
    ):
        first = await models.get("m1")
        for number in range(12):
            await models.get(f"m{number}")
        assert await models.get("m11") is await models.get("m11")
        assert await models.get("m1") is not first
        # A model that was put aside while in use still works.
        async with aclosing(first.stream(REQUEST)) as events:
            assert [event.kind async for event in events][-1] == "ended"


async def test_models_of_one_host_share_its_lane(tmp_path: Path) -> None:
    server = FakeOllama(models={"a": Model(), "b": Model()}, default=Answer(delay_each=0.02))

    async with (
        server.running(),
        catalog(tmp_path, ollama_host=server.url) as models,
    ):

        async def ask(name: str) -> None:
            async with aclosing((await models.get(name)).stream(REQUEST)) as events:
                async for _ in events:
                    pass

        async with asyncio.TaskGroup() as group:
            for name in "abab":
                group.create_task(ask(name))
    assert server.most_active == 1


async def test_listing_says_what_runs(tmp_path: Path) -> None:
    server = FakeOllama(models={"a": Model(size=5), "b": Model(size=7, running=True)})
    async with (
        server.running(),
        catalog(tmp_path, ollama_host=server.url) as models,
    ):
        assert await models.available() == [
            ModelListing(name="a", size_bytes=5),
            ModelListing(name="b", size_bytes=7, running=True, memory_bytes=7),
        ]


async def test_pull_reports_progress_and_refusal(tmp_path: Path) -> None:
    server = FakeOllama(
        pull=(
            {"status": "pulling", "completed": 5, "total": 10},
            {"status": "success"},
        )
    )
    async with (
        server.running(),
        catalog(tmp_path, ollama_host=server.url) as models,
    ):
        async with aclosing(models.pull("llama")) as steps:
            assert [step async for step in steps] == [
                PullProgress(status="pulling", completed=5, total=10),
                PullProgress(status="success"),
            ]
        server.pull = ({"error": "pull model manifest: file does not exist"},)
        with pytest.raises(ProviderError) as caught:
            await anext(models.pull("lama"))
    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "lama" in caught.value.user_message


async def test_leaving_early_closes_what_is_being_opened(tmp_path: Path) -> None:
    async with (
        FakeOllama(default=Answer(stall_after=0)).running() as server,
        catalog(tmp_path, ollama_host=server.url) as models,
    ):
        await models.get()
    assert server.active == 0


async def words(models: ModelCatalog, name: str | None = None, **how) -> tuple[str, str]:
    """What is answered, and by which link of the chain."""
    text, by = "", ""
    model = await models.get(name, **how)
    async with aclosing(model.stream(REQUEST)) as events:
        async for event in events:
            if event.kind == "content":
                text += event.text
            elif event.kind == "ended":
                by = event.model
    return text, by


async def test_second_host_answers_when_the_first_does_not(tmp_path: Path) -> None:
    with refused() as gone:
        async with (
            FakeOllama().running() as server,
            catalog(
                tmp_path, ollama_host=gone, ollama_hosts=(server.url,), embedded="never"
            ) as models,
        ):
            assert await words(models) == ("Hello there.", "ollama2")
            assert models.endpoints() == ["ollama", "ollama2"]


async def test_host_that_goes_away_in_use_is_stood_in_for_in_the_same_turn(
    tmp_path: Path, built_in: FakeOllama
) -> None:
    notices, clock, port = Notices(), ManualClock(), free_port()
    async with catalog(
        tmp_path, notices=notices, clock=clock, ollama_host=f"http://127.0.0.1:{port}"
    ) as models:
        async with FakeOllama().running(port):
            assert (await words(models))[1] == "ollama"
        assert (await words(models))[1] == "embedded"
        assert "because Ollama does not" in models.describe()
        async with FakeOllama().running(port) as back:
            assert (await words(models))[1] != "ollama", "a host given up is asked again later"
            clock.advance(31)
            await models.get()
            await notices.reached(2)
            assert (await words(models))[1] == "ollama"
            assert back.chats
    assert "answers again" in notices[1]


async def test_built_in_model_does_not_stand_in_while_any_host_answers(
    tmp_path: Path, built_in: FakeOllama
) -> None:
    notices = Notices()
    with refused() as gone, refused() as third:
        async with (
            FakeOllama(models={"there": Model()}).running() as server,
            catalog(
                tmp_path, notices=notices, ollama_host=gone, ollama_hosts=(third, server.url)
            ) as models,
        ):
            for name in ("elsewhere", "elsewhere@ollama2"):
                with pytest.raises(ProviderError):
                    await models.get(name)
            assert (await models.get("there")).info.name == "there"
            assert [(each.name, each.endpoint) for each in await models.available()] == [
                ("there", "ollama3")
            ]
    assert (notices, built_in.requests) == ([], [])


async def test_built_in_model_stands_in_when_every_host_is_silent_and_any_takes_over(
    tmp_path: Path, built_in: FakeOllama
) -> None:
    notices, clock, port = Notices(), ManualClock(), free_port()
    with refused() as gone:
        second = f"http://127.0.0.1:{port}"
        async with catalog(
            tmp_path, notices=notices, clock=clock, ollama_host=gone, ollama_hosts=(second,)
        ) as models:
            assert (await words(models, "tiny@ollama2"))[1] == "embedded"
            assert (await words(models))[1] == "embedded"
            assert notices == [
                f"Ollama at {gone} and Ollama at {second} do not answer, so the built-in model is "
                "used; start Ollama or correct OLLAMA_HOST."
            ]
            async with FakeOllama().running(port):
                clock.advance(31)
                await models.get()
                await notices.reached(2)
                assert (await words(models))[1] == "ollama2"
    assert notices[1] == f"Ollama at {second} answers again and is used."


async def test_hosts_are_asked_at_once_and_silence_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosts, "REACHED_SECONDS", 0.3)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    tokens = CalibratedTokens(EstimatedTokens())
    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        silent = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        engines = [
            OllamaEngine(LlmSettings(), clock=SystemClock(), tokens=tokens, host=silent)
            for _ in range(3)
        ]
        watch = HostWatch(clock=SystemClock(), on_notice=Notices().take)
        began = asyncio.get_running_loop().time()
        assert await watch.give_up(engines)
        assert asyncio.get_running_loop().time() - began < 0.8
        for engine in engines:
            await engine.aclose()


async def test_endpoint_in_the_name_decides_where_a_model_runs(tmp_path: Path) -> None:
    async with FakeOllama().running() as server, FakeOpenAi(key="sk-test").running() as api:
        hosted = {"openrouter": OpenRouterSettings(base_url=api.url, api_key=SecretStr("sk-test"))}
        async with catalog(tmp_path, hosted=hosted, ollama_host=server.url) as models:
            assert (await models.get("tiny@openrouter")).info.provider == "openrouter"
            assert (await models.get("tiny@ollama")).info.provider == "ollama"
            assert (await models.get("tiny")).info.provider == "ollama"
            listed = [(each.name, each.endpoint) for each in await models.available()]
            assert listed == [("tiny", "ollama"), ("tiny", "openrouter")]


async def test_first_endpoint_with_a_key_answers_when_there_is_no_ollama(tmp_path: Path) -> None:
    async with FakeOpenAi(key="sk-test").running() as api:
        hosted = {
            "openai": OpenAiSettings(),
            "openrouter": OpenRouterSettings(base_url=api.url, api_key=SecretStr("sk-test")),
        }
        async with catalog(tmp_path, hosted=hosted) as models:
            assert (await models.get()).info.provider == "openrouter"
            assert "sk-test" not in models.describe()


async def test_characters_fallbacks_win_over_the_configured_ones(tmp_path: Path) -> None:
    broken = Answer(status=500, error="broken")
    server = FakeOllama(models={"a": Model(), "b": Model(), "c": Model()}, default=broken)
    async with (
        server.running(),
        FakeOllama(models={"d": Model()}).running() as other,
        catalog(
            tmp_path,
            ollama_host=server.url,
            ollama_hosts=(other.url,),
            embedded="never",
            fallbacks=("b",),
        ) as models,
    ):
        assert await words(models, "a", fallbacks=("d@ollama2",)) == (
            "Hello there.",
            "d@ollama2",
        )
        with pytest.raises(ProviderError) as caught:
            await words(models, "a")
        assert caught.value.fault is ProviderFault.SERVER_ERROR
        asked = [request.body["model"] for request in server.chats]
        assert asked == ["a", "a", "b"]


async def test_reconfiguring_changes_the_fallbacks_of_the_next_call(tmp_path: Path) -> None:
    server = FakeOllama(
        models={"a": Model(), "b": Model()}, answers=deque([Answer(status=500, error="broken")])
    )
    async with (
        server.running(),
        catalog(tmp_path, ollama_host=server.url, model="a", embedded="never") as models,
    ):
        models.reconfigure(LlmSettings(fallbacks=("b",)))
        assert (await words(models))[1] == "b@ollama"


async def test_answer_of_one_host_is_not_given_for_another(tmp_path: Path) -> None:
    request = replace(REQUEST, repeatable=True, sampling=Sampling(temperature=0.0))
    async with (
        FakeOllama().running() as first,
        FakeOllama(default=Answer(pieces=("Other.",))).running() as second,
        catalog(
            tmp_path, ollama_host=first.url, ollama_hosts=(second.url,), embedded="never"
        ) as models,
    ):
        for name, said in (("tiny@ollama", "Hello there."), ("tiny@ollama2", "Other.")) * 2:
            assert (await hear(await models.get(name), request)).text == said
        assert (len(first.chats), len(second.chats)) == (1, 1)
