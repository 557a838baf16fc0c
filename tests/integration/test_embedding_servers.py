"""Embedders behind a server: the suite of all embedders, and what servers may do wrong."""

import asyncio

import numpy as np
import pytest
from pydantic import SecretStr

from services.domain.errors import ProviderError, ProviderFault
from services.memory.engines import build_embedder
from services.settings import LlmSettings, MemorySettings, OpenAiSettings
from tests.contracts.embedder_contract import EmbedderContract
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.hash_embedder import HashEmbedder


def embedder_of(kind, url):
    return build_embedder(
        MemorySettings(embedder=f"{kind}:m"),
        llm=LlmSettings(ollama_host=url, connect_timeout_seconds=2),
        openai=OpenAiSettings(base_url=f"{url}/v1", api_key=SecretStr("sk-test")),
    )


@pytest.fixture
async def server():
    async with EmbeddingServer().running() as running:
        yield running


class TestOllama(EmbedderContract):
    @pytest.fixture
    async def embedder(self, server):
        made = embedder_of("ollama", server.url)
        yield made
        await made.close()


class TestOpenAi(EmbedderContract):
    @pytest.fixture
    async def embedder(self, server):
        made = embedder_of("openai", server.url)
        yield made
        await made.close()


@pytest.fixture(params=["ollama", "openai"])
async def embedder(request, server):
    made = embedder_of(request.param, server.url)
    yield made
    await made.close()


@pytest.mark.parametrize(
    "raw",
    [
        b'{"embeddings": [[NaN, 1.0]], "data": [{"index": 0, "embedding": [NaN, 1.0]}]}',
        b'{"embeddings": [[1.0, 2.0], [3.0]], "data": [{"index": 0, "embedding": ["x"]}]}',
        b'{"embeddings": [], "data": []}',
        b'{"embeddings": "none", "data": "none"}',
        b'{"embeddings": null, "data": [null]}',
        b"[]",
        b"not json",
        b'{"embeddings": [[0, 0]], "data": [{"index": 0, "embedding": [0, 0]}]}',
    ],
)
async def test_an_answer_of_no_use_is_an_error_in_one_sentence(server, embedder, raw):
    server.raw = raw
    with pytest.raises(ProviderError) as caught:
        await embedder.query("hello")
    assert caught.value.fault is ProviderFault.MALFORMED
    assert caught.value.user_message.count(". ") == 0


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, ProviderFault.UNAUTHORIZED),
        (429, ProviderFault.OVERLOADED),
        (500, ProviderFault.SERVER_ERROR),
        (400, ProviderFault.REJECTED),
    ],
)
async def test_refusals_are_told_apart(server, embedder, status, fault):
    server.status = status
    with pytest.raises(ProviderError) as caught:
        await embedder.passages(["hello"])
    assert caught.value.fault is fault


async def test_a_missing_model_is_named(server, embedder):
    server.status, server.error = 404, "model 'm' not found"
    with pytest.raises(ProviderError) as caught:
        await embedder.query("hello")
    assert caught.value.fault is ProviderFault.MODEL_MISSING


@pytest.mark.parametrize("kind", ["ollama", "openai"])
async def test_a_server_that_is_away_is_an_error(kind):
    embedder = embedder_of(kind, "http://127.0.0.1:9")
    try:
        with pytest.raises(ProviderError) as caught:
            await embedder.query("hello")
        assert caught.value.fault is ProviderFault.UNREACHABLE
    finally:
        await embedder.close()


async def test_a_server_that_changes_its_dimensions_within_a_call_is_an_error(server, embedder):
    class Fickle(HashEmbedder):
        def vector(self, text):
            self.dimensions = 8 if "40" in text else 16
            return super().vector(text)

    server.embedder = Fickle()
    with pytest.raises(ProviderError) as caught:
        await embedder.passages([f"text {n}" for n in range(41)])
    assert caught.value.fault is ProviderFault.MALFORMED


async def test_vectors_given_in_another_order_find_their_texts(server):
    server.shuffled = True
    embedder = embedder_of("openai", server.url)
    try:
        made = await embedder.passages(["one", "two", "three"])
        assert np.allclose(made[2], server.embedder.vector("three"), atol=1e-5)
    finally:
        await embedder.close()


async def test_the_key_is_sent_and_long_texts_are_cut(server):
    embedder = embedder_of("openai", server.url)
    try:
        await embedder.passages(["x" * 1_000_000, ""])
    finally:
        await embedder.close()
    assert server.keys == ["Bearer sk-test"]
    first, second = server.bodies[0]["input"]
    assert len(first) == 2000
    assert second.strip()


async def test_a_search_does_not_wait_for_passages(server, embedder):
    server.seconds = 0.2
    async with asyncio.TaskGroup() as group:
        passages = group.create_task(embedder.passages([f"text {n}" for n in range(200)]))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1.0):
            await embedder.query("now")
        assert not passages.done()
        passages.cancel()
