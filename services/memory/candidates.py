"""Turns that may answer a question, as far as the viewer may be reminded of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select, text

from services.domain.ids import MessageId
from services.memory.scope import Kind, Viewer, allowed
from services.memory.tuning import RecallTuning
from services.memory.words import Term, any_of
from services.storage.tables import audiences, messages, recollections

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_TOTAL = select(func.count()).select_from(recollections)
_COUNT = text("SELECT count(*) FROM recollection_words WHERE recollection_words MATCH :match")
_FOUND = text(
    "SELECT json_group_array(rowid) FROM recollection_words WHERE recollection_words MATCH :match"
)
_BEST = text(
    "SELECT found.id FROM recollection_words AS words JOIN recollections AS found"
    " ON found.id = words.rowid WHERE words.recollection_words MATCH :match AND found.active"
    " AND found.audience_id IN (SELECT value FROM json_each(:audiences))"
    " ORDER BY words.rank, found.id LIMIT :limit"
)
_AROUND = text(
    "SELECT DISTINCT near.id, near.conversation_id, near.session, near.ordinal, near.speaker,"
    " near.person_id, unixepoch(near.said_at)"
    " FROM json_each(:rows) AS chosen"
    " JOIN recollections AS found ON found.id = chosen.value"
    " JOIN recollections AS near ON near.conversation_id = found.conversation_id"
    " AND near.ordinal BETWEEN found.ordinal - :reach AND found.ordinal + :reach"
    " WHERE near.active AND near.kind = 'turn'"
    " AND near.audience_id IN (SELECT value FROM json_each(:audiences))"
    " ORDER BY near.conversation_id, near.session, near.ordinal"
)
_READ = (
    select(
        recollections.c.id,
        messages.c.id.label("message"),
        messages.c.author_name.label("speaker"),
        func.coalesce(messages.c.heard, messages.c.written).label("text"),
        messages.c.created_at.label("said_at"),
    )
    .join(messages, messages.c.id == recollections.c.ref)
    .where(
        recollections.c.id.in_(bindparam("rows", expanding=True)),
        recollections.c.kind == Kind.TURN.value,
        recollections.c.active,
        messages.c.deleted_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Posting:
    """The rows that hold a term, in ascending order, and how telling that is."""

    word: str
    rows: Ints
    rarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What words alone find: whose turns may be recalled, and candidates, best first."""

    audiences: Sequence[int]
    postings: Sequence[Posting]
    rows: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Turns side by side, those of a session next to each other and in order.

    ``said_at`` are seconds since 1970; ``sessions`` numbers the sessions from 0.
    """

    rows: Ints
    sessions: Ints
    speakers: Sequence[str]
    persons: Sequence[str | None]
    said_at: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message as it stands now."""

    message: MessageId
    speaker: str
    text: str
    said_at: datetime


def look_up(
    connection: Connection, asked: Sequence[Term], *, viewer: Viewer, tuning: RecallTuning
) -> Found:
    """Return what ``viewer`` may recall that holds words of the question."""
    open_to = list(
        connection.execute(select(audiences.c.id).where(allowed(viewer, Kind.TURN))).scalars()
    )
    if not open_to or not asked:
        return Found(audiences=open_to, postings=(), rows=())
    total = int(connection.execute(_TOTAL).scalar_one())
    chosen = _telling(connection, asked, total=total, tuning=tuning)
    postings = [_posting(connection, term, count, total) for term, count in chosen]
    proposing = [term for term, count in chosen if count <= tuning.frequent_share * total]
    best = (
        connection.execute(
            _BEST,
            {
                "match": any_of(proposing or [term for term, _ in chosen]),
                "audiences": json.dumps(open_to),
                "limit": tuning.by_words,
            },
        )
        if chosen
        else ()
    )
    return Found(
        audiences=open_to, postings=_distinct(postings), rows=[int(row[0]) for row in best]
    )


def _telling(
    connection: Connection, asked: Sequence[Term], *, total: int, tuning: RecallTuning
) -> list[tuple[Term, int]]:
    """Return the rarest terms, in the order of the question, and how many rows hold them."""
    most = max(tuning.many_turns, tuning.useless_share * total)
    counted = [
        (term, int(connection.execute(_COUNT, {"match": term.match}).scalar_one()))
        for term in asked
    ]
    useful = [pair for pair in counted if pair[1] <= most]
    rarest = sorted(useful, key=lambda pair: (pair[1] == 0, pair[1]))[: tuning.most_terms]
    return [pair for pair in counted if pair in rarest]


def _posting(connection: Connection, term: Term, count: int, total: int) -> Posting:
    """Look a term up; how telling it is, is BM25's idf (Robertson and Zaragoza, 2009)."""
    found = connection.execute(_FOUND, {"match": term.match}).scalar_one() if count else "[]"
    rarity = float(np.log1p((total - count + 0.5) / (count + 0.5)))
    return Posting(term.word, np.array(json.loads(found), np.int64), rarity)


def _distinct(postings: Sequence[Posting]) -> list[Posting]:
    """Leave out words of the same stem, which are found in the same rows."""
    seen: set[bytes] = set()
    kept = []
    for posting in postings:
        rows = posting.rows.tobytes()
        if not rows or rows not in seen:
            kept.append(posting)
        seen.add(rows)
    return kept


def gather(
    connection: Connection,
    rows: Collection[int],
    *,
    open_to: Sequence[int],
    tuning: RecallTuning,
) -> Candidates:
    """Return the turns ``rows`` and their neighbours, without those not for ``open_to``."""
    found = connection.execute(
        _AROUND,
        {
            "rows": json.dumps(sorted(rows)),
            "reach": tuning.reach,
            "audiences": json.dumps(list(open_to)),
        },
    ).all()
    numbers: dict[tuple[str, int], int] = {}
    sessions = [numbers.setdefault((row[1], row[2]), len(numbers)) for row in found]
    return Candidates(
        rows=np.array([row[0] for row in found], np.int64),
        sessions=np.array(sessions, np.int64),
        speakers=[row[4] or "" for row in found],
        persons=[row[5] for row in found],
        said_at=np.array([row[6] or 0 for row in found], np.float64),
    )


def read(connection: Connection, rows: Sequence[int]) -> dict[int, Turn]:
    """Return the messages of ``rows`` that are still there."""
    return {
        row.id: Turn(
            message=MessageId(row.message),
            speaker=row.speaker,
            text=row.text,
            said_at=row.said_at.astimezone(UTC),
        )
        for row in connection.execute(_READ, {"rows": list(rows)})
    }
