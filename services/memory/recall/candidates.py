"""Turns that may answer a question, as far as the viewer may be reminded of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select, text

from services.domain.ids import MessageId
from services.memory.recall.tuning import RecallTuning
from services.memory.recall.words import Term, any_of
from services.memory.scope import RECALL, Kind, Viewer, allowed
from services.storage.tables import audiences, messages, recollections

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# The planner knows nothing of how few rows are asked for: CROSS JOIN keeps the order of the tables,
# and a plus keeps it from indexes that hold nearly everything.
_TOTAL = select(func.count()).select_from(recollections)
_COUNT = text("SELECT count(*) FROM recollection_words WHERE recollection_words MATCH :match")
_FOUND = text(
    "SELECT json_group_array(rowid) FROM recollection_words WHERE recollection_words MATCH :match"
)
_BEST = text(
    "SELECT found.id FROM recollection_words AS words CROSS JOIN recollections AS found"
    " ON found.id = words.rowid WHERE words.recollection_words MATCH :match AND found.active"
    " AND +found.audience_id IN (SELECT value FROM json_each(:audiences))"
    " ORDER BY words.rank, found.id LIMIT :limit"
)
_AROUND = text(
    "SELECT id, conversation_id, session, ordinal, speaker, person_id, unixepoch(said_at)"
    " FROM recollections WHERE id IN ("
    "SELECT near.id FROM json_each(:rows) AS chosen"
    " CROSS JOIN recollections AS found ON found.id = chosen.value"
    " CROSS JOIN recollections AS near ON near.conversation_id = found.conversation_id"
    " AND near.ordinal BETWEEN found.ordinal - :reach AND found.ordinal + :reach)"
    " AND active AND +kind = 'turn'"
    " AND +audience_id IN (SELECT value FROM json_each(:audiences))"
    " AND coalesce(person_id, '') NOT IN (SELECT scope_id FROM scoped_settings"
    " WHERE scope = 'user' AND key = :recall AND value = 'false')"
)
_TEXTS = text(
    "SELECT chosen.value, said.id, coalesce(said.heard, said.written)"
    " FROM json_each(:rows) AS chosen CROSS JOIN recollections AS found ON found.id = chosen.value"
    " CROSS JOIN messages AS said ON said.id = found.ref"
    " WHERE found.kind = 'turn' AND found.active AND said.deleted_at IS NULL"
)
_SAID = select(
    messages.c.id,
    messages.c.author_name,
    messages.c.created_at,
).where(messages.c.id.in_(bindparam("ids", expanding=True)))


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


@dataclass(frozen=True, slots=True)
class Text:
    """What the message of a candidate says now."""

    message: MessageId
    text: str


@dataclass(frozen=True, slots=True)
class Saying:
    """Who said a message, and when."""

    speaker: str
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
    proposed = _proposed(connection, chosen, total=total, open_to=open_to, tuning=tuning)
    return Found(audiences=open_to, postings=_distinct(postings), rows=proposed)


def _proposed(
    connection: Connection,
    chosen: Sequence[tuple[Term, int]],
    *,
    total: int,
    open_to: Sequence[int],
    tuning: RecallTuning,
) -> list[int]:
    """Return the rows that FTS5 ranks best for the terms, or for the rarer ones of them."""
    there = [term for term, count in chosen if count]
    frequent = max(tuning.by_words, tuning.frequent_share * total)
    rarer = [term for term, count in chosen if 0 < count <= frequent]
    if not there:
        return []
    asked = {
        "match": any_of(rarer or there),
        "audiences": json.dumps(open_to),
        "limit": tuning.by_words,
    }
    return list(connection.execute(_BEST, asked).scalars())


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
    """Return the turns ``rows`` and their neighbours, without those not for ``open_to``.

    What people said who do not want to be recalled is left out as well.
    """
    found = connection.execute(
        _AROUND,
        {
            "rows": json.dumps(sorted(rows)),
            "reach": tuning.reach,
            "audiences": json.dumps(list(open_to)),
            "recall": RECALL,
        },
    ).all()
    numbers: dict[tuple[str, int], int] = {}
    sessions = np.array(
        [numbers.setdefault((row[1], row[2]), len(numbers)) for row in found], np.int64
    )
    order = np.lexsort((np.array([row[3] for row in found], np.int64), sessions))
    found = [found[at] for at in order]
    return Candidates(
        rows=np.array([row[0] for row in found], np.int64),
        sessions=sessions[order],
        speakers=[row[4] or "" for row in found],
        persons=[row[5] for row in found],
        said_at=np.array([row[6] or 0 for row in found], np.float64),
    )


def texts(connection: Connection, rows: Sequence[int]) -> dict[int, Text]:
    """Return what the messages of ``rows`` say, without those that are gone."""
    found = connection.execute(_TEXTS, {"rows": json.dumps(list(rows))})
    return {row[0]: Text(MessageId(row[1]), row[2]) for row in found}


def sayings(connection: Connection, ids: Sequence[MessageId]) -> dict[MessageId, Saying]:
    """Return who said the messages ``ids`` and when."""
    found = connection.execute(_SAID, {"ids": list(ids)})
    return {MessageId(row.id): Saying(row.author_name, row.created_at) for row in found}
