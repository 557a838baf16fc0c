"""The stored vectors: which rows wait for one, writing them, and reading them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import (
    BindParameter,
    Connection,
    and_,
    bindparam,
    column,
    func,
    or_,
    select,
    table,
    update,
)

from services.memory.embedding import Vectors
from services.memory.index.turn_rows import load_said
from services.memory.index.vectors import VectorRecord
from services.memory.scope import Kind
from services.storage.tables import recollections

CHARACTERS = 2000
"""How much of a text goes into its vector, from its start."""

_REFUSED = "refused by "
_STORED = np.dtype("<f2")

_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_KINDS: BindParameter[Sequence[str]] = bindparam("kinds", expanding=True)
_words = table("recollection_words", column("rowid"), column("words"))
_WORDS = select(_words.c.rowid, _words.c.words).where(_words.c.rowid.in_(_IDS))
_rows = recollections.c
_COLUMNS = (_rows.id, _rows.kind, _rows.ref, _rows.audience_id, _rows.digest)
_NEWEST = (
    select(*_COLUMNS)
    .where(_rows.embedder.is_(None))
    .order_by(_rows.id.desc())
    .limit(bindparam("limit"))
)


_low: BindParameter[str] = bindparam("low")
_high: BindParameter[str] = bindparam("high")
# Ranges, which the index on embedders answers; inequalities would read every row.
_OF_OTHERS = or_(
    _rows.embedder < _low,
    and_(_rows.embedder > _low, _rows.embedder < _high),
    _rows.embedder > _high,
)
_OUTDATED = select(*_COLUMNS).where(_OF_OTHERS).limit(bindparam("limit"))
_PENDING = select(func.count()).where(or_(_rows.embedder.is_(None), _OF_OTHERS))
_TOTAL = select(func.count()).select_from(recollections)
_EMBEDDED = select(func.count()).where(
    _rows.embedder == bindparam("embedder"), _rows.kind.in_(_KINDS)
)
_STORE = (
    update(recollections)
    .where(_rows.id == bindparam("row"), _rows.digest == bindparam("known"))
    .values(embedder=bindparam("by"), embedding=bindparam("vector"))
)
_LOAD = (
    select(_rows.id, _rows.audience_id, _rows.embedding)
    .where(
        _rows.embedder == bindparam("embedder"),
        _rows.kind.in_(_KINDS),
        _rows.id > bindparam("after"),
    )
    .order_by(_rows.id)
    .limit(bindparam("limit"))
)
_LENGTH = (
    select(func.length(_rows.embedding)).where(_rows.embedder == bindparam("embedder")).limit(1)
)
_EMBEDDED_BY_ANY = select(_rows.id).where(_rows.embedder.is_not(None)).limit(bindparam("limit"))


class MixedVectorsError(Exception):
    """Vectors stored under one embedder's name are of different lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A row that has no vector of the embedder in use, and the text it is to stand for."""

    row: int
    kind: Kind
    group: int
    digest: str
    text: str


def waiting(connection: Connection, embedder: str, *, limit: int) -> list[Waiting]:
    """Return rows to embed: those that never were, newest first, then those of other embedders."""
    values = {**_settled(embedder), "limit": limit}
    found = (
        connection.execute(_NEWEST, {"limit": limit}).all()
        or connection.execute(_OUTDATED, values).all()
    )
    turns = {row.id: row.ref for row in found if row.kind == Kind.TURN}
    said = {each.id: each.embedded for each in load_said(connection, list(turns.values()))}
    texts = _words_of(connection, [row.id for row in found if row.id not in turns])
    texts |= {row: said[ref] for row, ref in turns.items() if ref in said}
    return [
        Waiting(
            row=row.id,
            kind=Kind(row.kind),
            group=row.audience_id,
            digest=row.digest,
            text=texts.get(row.id, "")[:CHARACTERS],
        )
        for row in found
    ]


def store(
    connection: Connection, embedder: str, rows: Sequence[Waiting], vectors: Vectors
) -> list[int]:
    """Keep the vectors, and return the places in ``rows`` of those that still said the same."""
    stored = []
    for place, (row, vector) in enumerate(zip(rows, vectors.astype(_STORED), strict=True)):
        values = {"row": row.row, "known": row.digest, "by": embedder, "vector": vector.tobytes()}
        if connection.execute(_STORE, values).rowcount:
            stored.append(place)
    return stored


def refuse(connection: Connection, embedder: str, row: Waiting) -> None:
    """Note that the embedder will not take a row's text, so that it is not asked again."""
    values = {"row": row.row, "known": row.digest, "by": _REFUSED + embedder, "vector": None}
    connection.execute(_STORE, values)


def load(
    connection: Connection, embedder: str, kinds: Sequence[Kind], *, after: int, limit: int
) -> tuple[list[VectorRecord], Vectors]:
    """Return stored vectors by row, beginning behind ``after``. Raises ``MixedVectorsError``."""
    values: Mapping[str, object] = {
        "embedder": embedder,
        "kinds": [kind.value for kind in kinds],
        "after": after,
        "limit": limit,
    }
    rows = connection.execute(_LOAD, values).all()
    records = [VectorRecord(row.id, row.audience_id) for row in rows]
    blobs = [row.embedding or b"" for row in rows]
    if len({len(blob) for blob in blobs}) > 1 or (blobs and not blobs[0]):
        raise MixedVectorsError
    flat = np.frombuffer(b"".join(blobs), _STORED)
    return records, flat.astype(np.float32).reshape(len(rows), -1 if rows else 0)


def embedded(connection: Connection, embedder: str, kinds: Sequence[Kind]) -> int:
    """Return how many rows of ``kinds`` have a vector of the embedder."""
    values = {"embedder": embedder, "kinds": [kind.value for kind in kinds]}
    return int(connection.execute(_EMBEDDED, values).scalar_one())


def dimensions(connection: Connection, embedder: str) -> int | None:
    """Return how long the embedder's stored vectors are; ``None`` without any."""
    length = connection.execute(_LENGTH, {"embedder": embedder}).scalar_one_or_none()
    return None if not length else int(length) // _STORED.itemsize


def counted(connection: Connection, embedder: str) -> tuple[int, int]:
    """Return how many rows there are, and how many of them wait for a vector."""
    pending = connection.execute(_PENDING, _settled(embedder)).scalar_one()
    return int(connection.execute(_TOTAL).scalar_one()), int(pending)


def unembed(connection: Connection, *, limit: int) -> int:
    """Take the vectors of up to ``limit`` rows away and return how many had one."""
    rows = list(connection.execute(_EMBEDDED_BY_ANY, {"limit": limit}).scalars())
    connection.execute(
        update(recollections).where(_rows.id.in_(rows)).values(embedder=None, embedding=None)
    )
    return len(rows)


def _settled(embedder: str) -> dict[str, str]:
    """Return the two marks of rows that wait for nothing, as bounds of the ranges between them."""
    low, high = sorted((embedder, _REFUSED + embedder))
    return {"low": low, "high": high}


def _words_of(connection: Connection, rows: Sequence[int]) -> dict[int, str]:
    if not rows:
        return {}
    found = connection.execute(_WORDS, {"ids": list(rows)})
    return {row.rowid: row.words for row in found}
