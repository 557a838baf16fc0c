"""An endpoint as the catalog uses it: against the fake, and against a real llama.cpp server."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.domain.clock import SystemClock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded.catalog import SMALL
from services.llm.hosted import HostedEngine
from services.llm.model import ChatRequest, PromptMessage, PromptRole, Sampling, ToolSchema
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.net.wheels import installed_models
from services.settings import HostedSettings, LlamaCppSettings, LlmSettings, OpenRouterSettings
from tests.fakes.heard import hear
from tests.fakes.openai_server import FakeOpenAi, HostedAnswer

MODEL = installed_models() / SMALL.file_name
SERVE = """
import sys
from pathlib import Path
from services.llm.embedded.engine import Engine, EngineOptions
model, prefixes = map(Path, sys.argv[1:])
engine = Engine(EngineOptions(model=model, num_ctx=1024, threads=2, prefixes=prefixes))
print(engine.address, engine.key, flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def engine(kind: str, settings: HostedSettings) -> AsyncGenerator[HostedEngine, None]:
    tokens = CalibratedTokens(EstimatedTokens())
    built = HostedEngine(kind, settings, LlmSettings(), clock=SystemClock(), tokens=tokens)
    try:
        yield built
    finally:
        await built.aclose()


def asking(text: str, **options) -> ChatRequest:
    user = PromptMessage(role=PromptRole.USER, content=text, source="test")
    sampling = Sampling(max_tokens=24, temperature=0.0, seed=1, min_p=0.05, repeat_penalty=1.1)
    return ChatRequest(**{"messages": (user,), "sampling": sampling, **options})


async def test_models_of_an_endpoint_share_its_connection_and_its_places() -> None:
    server = FakeOpenAi(
        models={"a": {"context_length": 3000}, "b": {}}, default=HostedAnswer(delay_each=0.01)
    )
    async with server.running():
        settings = OpenRouterSettings(base_url=server.url, model="a", concurrency=1)
        async with engine("openrouter", settings) as endpoint:
            assert endpoint.default_name() == "a"
            assert endpoint.where() == f"on OpenRouter at {server.url}"
            assert [
                (each.name, each.endpoint, each.context_tokens)
                for each in (await endpoint.listed())
            ] == [("a", "openrouter", 3000), ("b", "openrouter", None)]
            models = [endpoint.model(None), endpoint.model("b")]
            for model in models:
                await model.open()
            assert [model.info.name for model in models] == ["a", "b"]
            assert server.connections == 1
            async with asyncio.TaskGroup() as group:
                for model in models:
                    group.create_task(hear(model, asking("Hi")))
            assert server.most_active == 1
            await endpoint.aclose()
            heard = await hear(models[0], asking("Hi"))
            assert heard.text == "Hello there.", "a closed endpoint opens anew"


async def test_well_known_addresses_need_no_setting() -> None:
    for kind, settings, where in (
        ("openai", HostedSettings(), "on OpenAI"),
        ("openrouter", OpenRouterSettings(), "on OpenRouter"),
        ("llamacpp", LlamaCppSettings(), "on llama.cpp at http://127.0.0.1:8080/v1"),
    ):
        async with engine(kind, settings) as endpoint:
            assert endpoint.where() == where


async def test_nothing_is_loaded_before_it_is_asked() -> None:
    program = (
        "import sys\n"
        "import services.llm.hosted, services.llm.engines\n"
        "assert not {'openai', 'httpx2', 'ollama'} & sys.modules.keys()\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == 0


async def test_a_slow_list_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.llm.openai_listing._ASK_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = LlamaCppSettings(base_url=f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        async with engine("llamacpp", settings) as endpoint:
            with pytest.raises(ProviderError) as caught:
                await endpoint.listed()
    assert caught.value.fault is ProviderFault.UNREACHABLE


@asynccontextmanager
async def llama(folder: Path, key: str | None = None) -> AsyncGenerator[HostedEngine, None]:
    """A real llama.cpp server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVE, str(MODEL), str(folder)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        address, real = (await process.stdout.readline()).decode().split()
        settings = LlamaCppSettings(base_url=f"{address}/v1", api_key=SecretStr(key or real))
        async with engine("llamacpp", settings) as endpoint:
            yield endpoint
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.timeout(60)
@pytest.mark.skipif(not MODEL.exists(), reason="the small model is not installed")
async def test_a_real_llama_server_is_understood(tmp_path: Path) -> None:
    async with llama(tmp_path) as endpoint:
        (listed,) = await endpoint.listed()
        assert listed.context_tokens == 1024
        model = endpoint.model(None)
        info = await model.open()
        assert (info.context_tokens, info.vision) == (1024, False)
        assert info.parameters == "134M"
        heard = await hear(model, asking("Say hello.", think=False))
        assert heard.fault is None
        assert heard.text.strip()
        assert heard.ended.usage.prompt_tokens > 0
        assert heard.ended.usage.completion_tokens > 0
        async with aclosing(model.stream(asking("Count to one thousand."))) as events:
            async for _ in events:
                break
        schema = {
            "type": "object",
            "properties": {"yes": {"type": "boolean"}},
            "required": ["yes"],
        }
        typed = await hear(model, asking("Is water wet?", schema=schema))
        assert typed.text.replace(" ", "").replace("\n", "") in ('{"yes":true}', '{"yes":false}')


@pytest.mark.timeout(60)
@pytest.mark.skipif(not MODEL.exists(), reason="the small model is not installed")
async def test_a_real_llama_server_takes_tools_and_refuses_a_wrong_key(tmp_path: Path) -> None:
    tool = ToolSchema(name="search", description="Finds pages.", parameters={"type": "object"})
    async with llama(tmp_path) as endpoint:
        model = endpoint.model(None)
        await model.open()
        heard = await hear(model, asking("Say hello.", tools=(tool,)))
        assert heard.fault is None
    async with llama(tmp_path, key="wrong") as endpoint:
        with pytest.raises(ProviderError) as caught:
            await endpoint.model(None).open()
    assert caught.value.fault is ProviderFault.UNAUTHORIZED
    assert "ACORE_LLAMACPP__API_KEY" in caught.value.user_message
