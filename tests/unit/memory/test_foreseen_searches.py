"""Searches that are begun before they are asked for: computed once, never for another text."""

from collections.abc import Sequence

import numpy as np
import pytest

from services.domain.errors import ProviderError
from services.memory.embedders.local_embedder import LocalEmbedder
from services.memory.embedding import ForeseeingEmbedder, Vectors
from services.memory.index.exact import ExactIndex
from services.memory.recall.retrieval import TurnRetrieval
from tests.fakes.memory_world import opened_world
from tests.unit.memory.test_retrieval import NOW, TALK, VIEWER


class Engine:
    """Notes what it is asked; fails as often as it is told."""

    def __init__(self, *, failures: int = 0) -> None:
        self.asked: list[str] = []
        self.failures = failures

    def passages(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 2), np.float32)

    def query(self, text: str) -> Vectors:
        self.asked.append(text)
        if len(self.asked) <= self.failures:
            raise RuntimeError
        return np.array([len(text), 1], np.float32)


def local(engine: Engine, *, reentrant: bool = True) -> LocalEmbedder:
    return LocalEmbedder(
        "odd:1", lambda: engine, batch=1, missing="Install it.", reentrant=reentrant
    )


@pytest.mark.parametrize("reentrant", [True, False])
async def test_what_was_foreseen_is_computed_once_and_counts_for_its_text_only(reentrant: bool):
    engine = Engine()
    embedder = local(engine, reentrant=reentrant)
    try:
        embedder.foresee("the lake")
        embedder.foresee("the lake")
        found = await embedder.query("the lake")
        other = await embedder.query("a long way from there")
        again = await embedder.query("the lake")
    finally:
        await embedder.close()
    assert engine.asked == ["the lake", "a long way from there", "the lake"]
    assert np.array_equal(found, again)
    assert not np.array_equal(found, other)


async def test_a_failure_that_was_foreseen_is_told_once_and_the_next_search_tries_again():
    engine = Engine(failures=1)
    embedder = local(engine)
    try:
        embedder.foresee("the lake")
        with pytest.raises(ProviderError):
            await embedder.query("the lake")
        assert (await embedder.query("the lake")).shape == (2,)
    finally:
        await embedder.close()


async def test_what_is_never_asked_for_is_given_up():
    engine = Engine()
    embedder = local(engine)
    try:
        for number in range(50):
            embedder.foresee(f"text {number}")
        await embedder.query("text 49")
        assert len(embedder._foreseen) <= 4
    finally:
        await embedder.close()


async def test_recall_asks_for_the_very_text_it_has_foreseen(tmp_path, clock, ids):
    engine = Engine()
    embedder = local(engine)
    assert isinstance(embedder, ForeseeingEmbedder)
    question = "Where is the lake? " * 200
    try:
        async with opened_world(tmp_path, clock, ids) as world:
            await world.say_many(TALK)
            retrieval = TurnRetrieval(
                database=world.database, index=ExactIndex(), embedder=embedder
            )
            retrieval.foresee(question)
            retrieval.foresee("  ")
            await retrieval.search(question, VIEWER, now=NOW, limit=3)
    finally:
        await embedder.close()
    assert len(engine.asked) == 1
