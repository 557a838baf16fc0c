"""Recall of what was said: words and vectors propose turns, all evidence together ranks them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from services.domain.errors import AcoreError
from services.domain.ids import MessageId
from services.memory.embedding import Embedder, ForeseeingEmbedder, Vectors
from services.memory.index.vectors import Near, VectorIndex
from services.memory.recall.candidates import (
    Candidates,
    Found,
    Text,
    gather,
    look_up,
    sayings,
    texts,
)
from services.memory.recall.evidence import asks_of_self, closeness, form, speakers_named
from services.memory.recall.periods import periods
from services.memory.recall.ranking import Evidence, weigh
from services.memory.recall.tuning import RecallTuning
from services.memory.recall.words import STOP_WORDS, terms, tokens
from services.memory.scope import Viewer
from services.observability.metrics import Metrics
from services.storage.database import Database

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A turn, and why it is recalled: ``why`` are the parts of its ``score`` by kind of evidence.

    With ``by_words_alone`` there were no vectors to compare, because the embedder or the index
    failed, was too slow, or is still being built.
    """

    message: MessageId
    speaker: str
    text: str
    said_at: datetime
    score: float
    why: Mapping[str, float]
    by_words_alone: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    viewer: Viewer
    now: datetime
    limit: int


@dataclass(frozen=True, slots=True)
class _Ranked:
    at: int
    text: Text
    form: float
    score: float


class TurnRetrieval:
    """Finds what was said that bears on a question."""

    def __init__(
        self,
        *,
        database: Database,
        index: VectorIndex,
        embedder: Embedder,
        metrics: Metrics | None = None,
        tuning: RecallTuning | None = None,
    ) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder
        self._metrics = metrics
        self._tuning = tuning or RecallTuning()

    def foresee(self, question: str, /) -> None:
        """Begin with the vector of a ``question`` that will be searched for; returns at once."""
        if question.strip() and isinstance(self._embedder, ForeseeingEmbedder):
            self._embedder.foresee(question[: self._tuning.longest_question])

    async def search(
        self,
        question: str,
        viewer: Viewer,
        *,
        now: datetime,
        limit: int,
        without: Collection[MessageId] = (),
    ) -> Sequence[Recalled]:
        """Return up to ``limit`` (at most 200) turns that ``viewer`` may recall, best first.

        ``now`` gives zone and present for "yesterday" and the like; ``without`` are messages that
        are in view anyway. The same question finds the same, and a smaller ``limit`` the beginning
        of it; equal scores are settled by age. Raises ``StorageError`` or ``Busy``; other failures
        leave words to do the work.
        """
        asked = _Question(question[: self._tuning.longest_question], viewer, now, limit)
        try:
            async with asyncio.TaskGroup() as tasks:
                looking = tasks.create_task(self._look_up(asked))
                embedding = tasks.create_task(self._embed(asked))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        found, vector = looking.result(), embedding.result()
        if not found.audiences:
            return []
        near = await self._nearest(vector, found.audiences)
        async with self._database.reader() as snapshot:
            return await snapshot.run(self._rank, asked, found, near, frozenset(without))

    async def _look_up(self, asked: _Question) -> Found:
        async with self._database.reader() as snapshot:
            return await snapshot.run(
                look_up, terms(asked.text), viewer=asked.viewer, tuning=self._tuning
            )

    async def _embed(self, asked: _Question) -> Vectors | None:
        if not asked.text.strip():
            return None
        try:
            async with asyncio.timeout(self._tuning.patience_seconds):
                return await self._embedder.query(asked.text)
        except (AcoreError, TimeoutError) as error:
            self._note_failure("embedder", error)
            return None

    async def _nearest(self, vector: Vectors | None, audiences: Sequence[int]) -> Sequence[Near]:
        if vector is None:
            return []
        try:
            async with asyncio.timeout(self._tuning.patience_seconds):
                return await self._index.search(
                    vector, groups=audiences, limit=self._tuning.compared
                )
        except (AcoreError, TimeoutError) as error:
            self._note_failure("index", error)
            return []

    def _note_failure(self, source: str, error: Exception) -> None:
        code = error.code if isinstance(error, AcoreError) else "timeout"
        logger.warning("recall without vectors", extra={"source": source, "code": code})
        if self._metrics is not None:
            self._metrics.count("memory_recall_failures", source=source)

    def _rank(
        self,
        connection: Connection,
        asked: _Question,
        found: Found,
        near: Sequence[Near],
        left_out: Collection[MessageId],
    ) -> list[Recalled]:
        tuning = self._tuning
        proposed = {*found.rows, *(each.row for each in near[: tuning.by_meaning])}
        if not proposed:
            return []
        candidates = gather(connection, proposed, open_to=found.audiences, tuning=tuning)
        parts = weigh(candidates, _evidence(asked, found, near, candidates, tuning), tuning)
        scores = sum(parts.values(), start=np.zeros(len(candidates.rows)))
        best = np.lexsort((candidates.rows, -scores))[: tuning.read]
        said = texts(connection, [int(row) for row in candidates.rows[best]])
        ranked = []
        for at in best:
            text = said.get(int(candidates.rows[at]))
            if text is not None and text.message not in left_out:
                formed = form(text.text, tuning)
                ranked.append(_Ranked(int(at), text, formed, float(scores[at]) + formed))
        ranked.sort(key=lambda each: -each.score)
        by = sayings(connection, [each.text.message for each in ranked[: asked.limit]])
        return [
            Recalled(
                message=each.text.message,
                speaker=by[each.text.message].speaker,
                text=each.text.text,
                said_at=by[each.text.message].said_at,
                score=each.score,
                why={kind: float(part[each.at]) for kind, part in parts.items()}
                | {"form": each.form},
                by_words_alone=not near,
            )
            for each in ranked[: asked.limit]
        ]


def _evidence(
    asked: _Question,
    found: Found,
    near: Sequence[Near],
    candidates: Candidates,
    tuning: RecallTuning,
) -> Evidence:
    named = speakers_named(asked.text, set(candidates.speakers))
    if len(named) == 1:
        by_named = np.array([speaker in named for speaker in candidates.speakers], np.bool_)
    elif not named and asked.viewer.person is not None and asks_of_self(asked.text):
        own = asked.viewer.person
        by_named = np.array([person == own for person in candidates.persons], np.bool_)
    else:
        by_named = np.zeros(len(candidates.rows), np.bool_)
    names = {token for name in named for token in tokens(name)} - STOP_WORDS
    return Evidence(
        postings=[posting for posting in found.postings if posting.word not in names],
        likeness=_likeness(candidates, near, tuning),
        spoken_by_named=by_named,
        closeness=closeness(candidates.said_at, periods(asked.text, asked.now), tuning),
    )


def _likeness(candidates: Candidates, near: Sequence[Near], tuning: RecallTuning) -> Floats | None:
    """Return the cosines of the candidates; the lowest known one where the index names none."""
    if not near:
        return None
    scores = {each.row: each.score for each in near}
    known = np.array(list(scores.values()))
    other = float(known.min() if len(near) >= tuning.compared else known.mean())
    return np.array([scores.get(int(row), other) for row in candidates.rows])
