"""Passages that answer a question: by words and by meaning, best first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, text

from services.domain.errors import ProviderError, StorageError
from services.memory.documents.repository import Quotable, quotable
from services.memory.embedding import Embedder
from services.memory.index.vectors import Near, VectorIndex
from services.memory.recall.words import terms
from services.memory.scope import Kind, Viewer, allowed
from services.storage.database import Database
from services.storage.tables import audiences, recollections

logger = logging.getLogger(__name__)

_CANDIDATES = 40
_FUSION = 60.0
"""The constant of reciprocal rank fusion, as its authors chose it (Cormack et al., SIGIR 2009)."""
_OUTSTANDING = 2.0
"""A passage without a word of the question counts only when its cosine stands out this many
standard deviations above the candidates' mean: small embedders give any two texts a high one."""

_BY_WORDS = text(
    "SELECT r.ref FROM recollection_words w JOIN recollections r ON r.id = w.rowid "
    "WHERE recollection_words MATCH :match AND r.kind = 'passage' "
    "AND r.audience_id IN :groups ORDER BY bm25(recollection_words), r.id LIMIT :limit"
).bindparams(bindparam("groups", expanding=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """What was found; ``words_only`` when meaning could not be searched."""

    found: tuple[Quotable, ...] = ()
    words_only: bool = False


class PassageSearch:
    """Searches the documents a character may read."""

    def __init__(self, *, database: Database, embedder: Embedder, index: VectorIndex) -> None:
        self._database = database
        self._embedder = embedder
        self._index = index

    async def search(self, question: str, viewer: Viewer, *, limit: int) -> Passages:
        """Return up to ``limit`` passages of the viewer's categories; may find none."""
        if not viewer.categories or not question.strip() or limit < 1:
            return Passages()
        async with self._database.reader() as snapshot:
            groups = await snapshot.run(_groups, viewer)
            worded = await snapshot.run(_by_words, question, groups)
        if not groups:
            return Passages()
        try:
            near = await self._near(question, groups)
        except (ProviderError, StorageError) as error:
            logger.info("documents searched by words alone", extra={"code": error.code})
            near, words_only = [], True
        else:
            words_only = False
        async with self._database.reader() as snapshot:
            meant = await snapshot.run(_refs, [one.row for one in near])
            order = _fused(worded, meant)[:limit]
            found = await snapshot.run(quotable, order)
        return Passages(
            found=tuple(found[ref] for ref in order if ref in found), words_only=words_only
        )

    async def _near(self, question: str, groups: Sequence[int]) -> list[Near]:
        vector = await self._embedder.query(question)
        near = await self._index.search(vector, groups=groups, limit=_CANDIDATES)
        return _outstanding(near)


def _groups(connection: Connection, viewer: Viewer) -> list[int]:
    rows = connection.execute(select(audiences.c.id).where(allowed(viewer, Kind.PASSAGE)))
    return list(rows.scalars())


def _by_words(connection: Connection, question: str, groups: Sequence[int]) -> list[str]:
    match = " OR ".join(term.match for term in terms(question))
    if not match or not groups:
        return []
    rows = connection.execute(_BY_WORDS, {"match": match, "groups": groups, "limit": _CANDIDATES})
    return list(rows.scalars())


def _refs(connection: Connection, rows: Sequence[int]) -> list[str]:
    found = connection.execute(
        select(recollections.c.id, recollections.c.ref).where(
            recollections.c.id.in_(rows), recollections.c.kind == Kind.PASSAGE.value
        )
    )
    refs = {row.id: row.ref for row in found}
    return [refs[row] for row in rows if row in refs]


def _outstanding(near: Sequence[Near]) -> list[Near]:
    if len(near) < 3:
        return list(near)
    mean = sum(one.score for one in near) / len(near)
    spread = (sum((one.score - mean) ** 2 for one in near) / len(near)) ** 0.5
    return [one for one in near if one.score >= mean + _OUTSTANDING * spread]


def _fused(worded: Sequence[str], meant: Sequence[str]) -> list[str]:
    scores: dict[str, float] = {}
    for refs in (worded, meant):
        for rank, ref in enumerate(refs, 1):
            scores[ref] = scores.get(ref, 0.0) + 1.0 / (_FUSION + rank)
    return sorted(scores, key=lambda ref: (-scores[ref], ref))
