"""A database with many turns and made-up vectors, and recall in it, in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import string
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.results import percentile, rss_mb

PLACE = "discord:1:2"
SPEAKERS = ("Ann", "Bob", "Cleo", "Dan")
DIMENSIONS = 384
SESSION = 25
WORDS = 20_000
QUESTIONS = 200
FIRST = 1_700_000_000


def vocabulary() -> tuple[list[str], list[float]]:
    """Made-up words, and how often each is said: by Zipf's law, as in any language."""
    rng = random.Random(1)
    words = [
        "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(WORDS)
    ]
    return words, list(itertools.accumulate(1 / (rank + 2.7) for rank in range(1, WORDS + 1)))


def said(count: int) -> Iterator[tuple[int, str, str]]:
    """Yield number, speaker and text of each turn."""
    words, weights = vocabulary()
    rng = random.Random(2)
    for number in range(1, count + 1):
        text = " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(4, 40)))
        yield number, rng.choice(SPEAKERS), text


def questions() -> list[str]:
    """Questions of a few words, the most frequent left out as stop-words are; some with dates."""
    words, weights = vocabulary()
    rng = random.Random(3)
    made = []
    for number in range(QUESTIONS):
        chosen = [
            word
            for word in rng.choices(words, cum_weights=weights, k=30)
            if word not in words[:100]
        ][: rng.randint(3, 7)]
        when = " in May 2024" if number % 5 == 0 else ""
        made.append(f"What did {rng.choice(SPEAKERS)} say about {' '.join(chosen)}{when}?")
    return made


async def fill(folder: Path, count: int) -> None:
    """Store ``count`` turns of one conversation, indexed as the default embedder's would be."""
    import numpy as np
    from sqlalchemy import insert, text

    from services.domain.clock import SystemClock
    from services.memory.embedders.nano import nano_embedder
    from services.settings import StorageSettings
    from services.storage.database import Database
    from services.storage.tables import audiences, conversations

    rng = np.random.default_rng(1)
    embedder = nano_embedder(threads=1).id

    def store(connection: Any) -> None:
        connection.execute(
            insert(conversations).values(
                id=PLACE,
                platform="discord",
                scope="1",
                channel="2",
                created_at=_moment(0),
                last_activity_at=_moment(count),
                next_ordinal=count + 1,
            )
        )
        connection.execute(
            insert(audiences).values(
                id=1, key="all", kind="turn", place="discord:1", conversation_id=PLACE,
                visibility="shared",
            )
        )  # fmt: skip
        raw = connection.connection.driver_connection
        turns = said(count)
        while portion := list(itertools.islice(turns, 2_000)):
            vectors = rng.standard_normal((len(portion), DIMENSIONS)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            _write(raw, portion, vectors.astype("<f2"), embedder)
        connection.execute(text("ANALYZE"))

    async with (
        Database(StorageSettings(data=folder), clock=SystemClock()) as database,
        database.transaction() as tx,
    ):
        await tx.run(store)


def _write(raw: Any, portion: list[tuple[int, str, str]], vectors: Any, embedder: str) -> None:
    raw.executemany(
        "INSERT INTO messages (id, conversation_id, ordinal, parent_id, active, author_platform,"
        " author_user, author_kind, author_name, source, visibility, modality, written, hop,"
        " created_at) VALUES (?, ?, ?, ?, 1, 'discord', ?, 'human', ?, 'native', 'shared', 'text',"
        " ?, 0, ?)",
        [
            (f"{n:09}", PLACE, n, f"{n - 1:09}" if n > 1 else None, who, who, what, _stored(n))
            for n, who, what in portion
        ],
    )
    raw.executemany(
        "INSERT INTO recollections (id, kind, ref, audience_id, conversation_id, ordinal, session,"
        " speaker, said_at, active, digest, embedder, embedding)"
        " VALUES (?, 'turn', ?, 1, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        [
            (n, f"{n:09}", PLACE, n, n // SESSION, who, _stored(n), f"{n:064}", embedder, bytes(v))
            for (n, who, _), v in zip(portion, vectors, strict=True)
        ],
    )
    raw.executemany(
        "INSERT INTO recollection_words (rowid, words) VALUES (?, ?)",
        [(n, f"{who}: {what}") for n, who, what in portion],
    )


def _moment(number: int) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(FIRST + number * 60 + number // SESSION * 20_000, UTC)


def _stored(number: int) -> str:
    return f"{_moment(number):%Y-%m-%d %H:%M:%S.%f}"


async def measure(folder: Path, count: int) -> dict[str, float]:
    """Recall with the default embedder, as this process's first use of memory."""
    from services.domain.clock import SystemClock
    from services.domain.ids import ConversationId, PersonaId
    from services.events.local import LocalEventBus
    from services.observability.metrics import Metrics
    from services.settings import MemorySettings, Settings, StorageSettings
    from services.storage.database import Database

    async with Database(StorageSettings(data=folder), clock=SystemClock()) as database:
        async with database.reader() as snapshot:
            await snapshot.run(lambda connection: connection.exec_driver_sql("SELECT 1").all())
        before = rss_mb()
        from services.memory.engines import build_embedder
        from services.memory.index.exact import ExactIndex
        from services.memory.index.indexing import Indexer
        from services.memory.index.shelves import Shelf
        from services.memory.recall.retrieval import TurnRetrieval
        from services.memory.scope import Kind, Viewer

        settings = Settings(memory=MemorySettings())
        embedder = build_embedder(settings.memory, llm=settings.llm, openai=settings.openai)
        index = ExactIndex()
        metrics = Metrics()
        async with Indexer(
            database=database,
            bus=LocalEventBus(),
            embedder=embedder,
            shelves=[Shelf(name="turns", index=index, kinds=(Kind.TURN,))],
            clock=SystemClock(),
            metrics=metrics,
            on_notice=lambda code, told: None,
        ) as indexer:
            progress = await indexer.caught_up()
            if progress.pending or await index.count() != count:
                raise SystemExit("the index is not what was stored")
            recall = TurnRetrieval(database=database, index=index, embedder=embedder)
            viewer = Viewer(
                persona=PersonaId("bench"), conversation=ConversationId.parse(PLACE), shared=True
            )
            spans = []
            for question in questions():
                began = time.perf_counter()
                found = await recall.search(question, viewer, now=_moment(count), limit=10)
                spans.append((time.perf_counter() - began) * 1000)
                if not found or found[0].by_words_alone:
                    raise SystemExit("recall found nothing, or without vectors")
            spans = spans[10:]  # the model is loaded by the first
            return {
                "p50": percentile(spans, 0.5),
                "p95": percentile(spans, 0.95),
                "added": rss_mb() - before,
                "peak": rss_mb(peak=True) - before,
            }


def main() -> None:
    """Fill or measure the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["fill", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    if asked.action == "fill":
        asyncio.run(fill(asked.folder, asked.count))
    else:
        sys.stdout.write(json.dumps(asyncio.run(measure(asked.folder, asked.count))) + "\n")


if __name__ == "__main__":
    main()
