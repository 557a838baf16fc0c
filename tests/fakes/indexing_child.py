"""A process that talks and indexes without end, to be killed: FOLDER INDEX EMBEDDER."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from services.domain.clock import SystemClock
from services.domain.ids import UlidSource
from services.memory.index.chroma import ChromaIndex
from services.memory.index.exact import ExactIndex
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_world import opened_world


async def talk(folder: Path, index: str, name: str) -> None:
    clock = SystemClock()
    ids = UlidSource(clock, random.Random(1))
    embedder = HashEmbedder(16, name=name, seconds=0.0005)
    async with opened_world(folder, clock, ids, embedder=embedder) as world:
        world.turns = (
            ChromaIndex(folder / "chroma" / "turns") if index == "chroma" else ExactIndex()
        )
        async with world.indexing():
            print("talking", flush=True)  # noqa: T201  it tells whoever kills it
            said = []
            for number in range(100_000):
                said.append(await world.say(f"line {number} of a long talk"))
                if number % 7 == 3:
                    gone = said.pop(random.Random(number).randrange(len(said)))
                    async with world.database.transaction() as tx:
                        await world.history.remove(tx, gone.message.id, at=clock.now())
                await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(talk(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
