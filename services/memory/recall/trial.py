"""A conversation stored and indexed like any other, in a database that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert

from services.domain.clock import Clock
from services.domain.errors import StorageError
from services.domain.ids import ConversationId, PersonaId
from services.domain.messages import Modality, Source, Visibility
from services.domain.people import AuthorKind
from services.events.local import LocalEventBus
from services.memory.embedding import Embedder, Vectors
from services.memory.index.exact import ExactIndex
from services.memory.index.indexing import Indexer
from services.memory.index.shelves import Shelf
from services.memory.recall.locomo import Sample, TurnKey
from services.memory.recall.retrieval import Recalled, TurnRetrieval
from services.memory.recall.tuning import RecallTuning
from services.memory.scope import Kind, Viewer
from services.observability.metrics import Metrics
from services.settings import StorageSettings
from services.storage.database import Database
from services.storage.tables import conversations, messages

_CONVERSATION = ConversationId("eval", "room", "eval")
_VIEWER = Viewer(persona=PersonaId("eval"), conversation=_CONVERSATION)


class KeptEmbedder:
    """An ``Embedder`` that outlives what closes it, and knows the questions it was asked.

    It grows with the number of questions; ``passages`` are not kept.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._queries: dict[str, Vectors] = {}

    @property
    def id(self) -> str:
        """Return the embedder's."""
        return self._embedder.id

    async def passages(self, texts: Sequence[str], /) -> Vectors:
        """Return one row per text."""
        return await self._embedder.passages(texts)

    async def query(self, text: str, /) -> Vectors:
        """Return the vector of a search."""
        if text not in self._queries:
            self._queries[text] = await self._embedder.query(text)
        return self._queries[text]

    async def close(self) -> None:
        """Do nothing: whoever made the embedder closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An indexed conversation."""

    sample: Sample
    database: Database
    index: ExactIndex
    embedder: Embedder

    def retrieval(self, tuning: RecallTuning) -> TurnRetrieval:
        """Return recall with other constants than the usual."""
        return TurnRetrieval(
            database=self.database, index=self.index, embedder=self.embedder, tuning=tuning
        )

    async def ask(self, retrieval: TurnRetrieval, question: str, limit: int) -> Sequence[Recalled]:
        """Recall as if asked when the conversation ended."""
        now = self.sample.turns[-1].said_at
        return await retrieval.search(question, _VIEWER, now=now, limit=limit)

    def keys(self, recalled: Sequence[Recalled]) -> list[TurnKey]:
        """Return which turns of the sample were recalled."""
        return [self.sample.turns[int(each.message) - 1].key for each in recalled]


@asynccontextmanager
async def remembered(
    sample: Sample, *, embedder: Embedder, clock: Clock
) -> AsyncGenerator[Trial, None]:
    """Store and index ``sample``; raises ``StorageError`` where it cannot be embedded."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="acore-eval-"))
        database = await stack.enter_async_context(
            Database(StorageSettings(data=Path(folder)), clock=clock)
        )
        async with database.transaction() as tx:
            await tx.run(_insert, sample)
        index = ExactIndex()
        indexer = await stack.enter_async_context(
            Indexer(
                database=database,
                bus=LocalEventBus(),
                embedder=embedder,
                shelves=(Shelf(name="turns", index=index, kinds=(Kind.TURN,)),),
                clock=clock,
                metrics=Metrics(),
                on_notice=lambda code, text: None,
            )
        )
        progress = await indexer.caught_up()
        if progress.failing is not None:
            raise StorageError("eval_embedder", f"Nothing was measured: {progress.failing}")
        yield Trial(sample=sample, database=database, index=index, embedder=embedder)


def _insert(connection: Connection, sample: Sample) -> None:
    first, last = sample.turns[0], sample.turns[-1]
    connection.execute(
        insert(conversations).values(
            id=str(_CONVERSATION),
            platform=_CONVERSATION.platform,
            scope=_CONVERSATION.scope,
            channel=_CONVERSATION.channel,
            created_at=first.said_at,
            last_activity_at=last.said_at,
            next_ordinal=len(sample.turns) + 1,
            head_message_id=str(len(sample.turns)),
        )
    )
    connection.execute(
        insert(messages),
        [
            {
                "id": str(number),
                "conversation_id": str(_CONVERSATION),
                "ordinal": number,
                "parent_id": str(number - 1) if number > 1 else None,
                "active": True,
                "author_platform": _CONVERSATION.platform,
                "author_user": turn.speaker,
                "author_kind": AuthorKind.HUMAN.value,
                "author_name": turn.speaker,
                "source": Source.IMPORTED.value,
                "visibility": Visibility.SHARED.value,
                "modality": Modality.TEXT.value,
                "written": turn.text,
                "hop": 0,
                "created_at": turn.said_at,
            }
            for number, turn in enumerate(sample.turns, 1)
        ],
    )
