"""Notes in the database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from services.domain.ids import AuthorId
from services.notes.note import Note
from services.notes.tables import notes
from services.storage.tables import accounts

_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 20
_MATCHING = text(
    "SELECT rowid FROM note_words WHERE note_words MATCH :match ORDER BY rank LIMIT :most"
)
_ADD_WORDS = text("INSERT INTO note_words (rowid, words) VALUES (:id, :words)")
_DROP_WORDS = text("DELETE FROM note_words WHERE rowid = :id")


def owners(connection: Connection, account: AuthorId) -> list[str]:
    """Return all accounts of whoever has ``account``; only itself when nobody is known."""
    person = (
        select(accounts.c.person_id)
        .where(accounts.c.platform == account.platform, accounts.c.user == account.user)
        .scalar_subquery()
    )
    linked = connection.execute(
        select(accounts.c.platform, accounts.c.user).where(accounts.c.person_id == person)
    )
    return sorted({str(account), *(str(AuthorId(row[0], row[1])) for row in linked)})


def add(
    connection: Connection, account: AuthorId, place: str, values: Mapping[str, Any], most: int
) -> Note | None:
    """Store a note under the next number; ``None`` when there are ``most`` already."""
    mine = notes.c.owner.in_(owners(connection, account))
    count, last = connection.execute(
        select(func.count(), func.coalesce(func.max(notes.c.number), 0)).where(mine)
    ).one()
    if count >= most:
        return None
    stored = connection.execute(
        insert(notes)
        .values(owner=str(account), number=last + 1, place=place, pinned=False, **values)
        .returning(notes)
    ).mappings()
    row = stored.one()
    connection.execute(_ADD_WORDS, {"id": row["id"], "words": _words_of(row)})
    return note_of(row)


def listed(
    connection: Connection, account: AuthorId, *, category: str | None = None
) -> Sequence[Note]:
    """Return somebody's notes, pinned first, then the newest."""
    mine = notes.c.owner.in_(owners(connection, account))
    query = select(notes).where(mine)
    if category is not None:
        query = query.where(notes.c.category == category)
    return _read(connection, query.order_by(notes.c.pinned.desc(), notes.c.number.desc()))


def categories(connection: Connection, account: AuthorId) -> Sequence[tuple[str, int]]:
    """Return somebody's categories by name, each with how many notes it has."""
    mine = notes.c.owner.in_(owners(connection, account))
    query = select(notes.c.category, func.count()).where(mine)
    found = connection.execute(query.group_by(notes.c.category).order_by(notes.c.category))
    return [(row[0], row[1]) for row in found]


def find(connection: Connection, account: AuthorId, number: int) -> Note | None:
    """Return one of somebody's notes."""
    row = connection.execute(select(notes).where(_this(connection, account, number))).mappings()
    found = row.one_or_none()
    return None if found is None else note_of(found)


def change(
    connection: Connection, account: AuthorId, number: int, values: Mapping[str, Any]
) -> Note | None:
    """Change a note and return it; new words are embedded anew."""
    forgotten = {"embedder": None, "vector": None} if "content" in values else {}
    changed = connection.execute(
        update(notes)
        .where(_this(connection, account, number))
        .values(**values, **forgotten)
        .returning(notes)
    ).mappings()
    row = changed.one_or_none()
    if row is None:
        return None
    connection.execute(_DROP_WORDS, {"id": row["id"]})
    connection.execute(_ADD_WORDS, {"id": row["id"], "words": _words_of(row)})
    return note_of(row)


def drop(
    connection: Connection, account: AuthorId, *, number: int | None, category: str | None
) -> int:
    """Delete one note, those of a category, or all of somebody's; return how many."""
    gone: ColumnElement[bool] = notes.c.owner.in_(owners(connection, account))
    if number is not None:
        gone = gone & (notes.c.number == number)
    if category is not None:
        gone = gone & (notes.c.category == category)
    return drop_where(connection, gone)


def drop_where(connection: Connection, gone: ColumnElement[bool]) -> int:
    """Delete notes with their words; return how many."""
    dropped = connection.execute(delete(notes).where(gone).returning(notes.c.id)).scalars().all()
    for one in dropped:
        connection.execute(_DROP_WORDS, {"id": one})
    return len(dropped)


def shared(connection: Connection, place: str, *, most: int) -> Sequence[Note]:
    """Return the notes shared in a place, the newest first."""
    query = select(notes).where(notes.c.shared_in == place)
    return _read(connection, query.order_by(notes.c.updated_at.desc()).limit(most))


def matching(
    connection: Connection, account: AuthorId, query: str, *, most: int
) -> Sequence[tuple[int, Note]]:
    """Return somebody's notes with any of the words, the best first, with their row ids."""
    words = _WORD.findall(query.casefold())[:_MOST_WORDS]
    if not words:
        return []
    match = " OR ".join(f'"{word}"*' for word in words)
    mine = set(owners(connection, account))
    rows = connection.execute(_MATCHING, {"match": match, "most": 20 * most}).scalars().all()
    known = by_rows(connection, rows)
    found = [(row, known[row]) for row in rows if row in known and known[row][0] in mine]
    return [(row, note) for row, (_, note) in found[:most]]


def by_rows(connection: Connection, rows: Sequence[int]) -> Mapping[int, tuple[str, Note]]:
    """Return notes by their row ids, each with its owner."""
    found = connection.execute(select(notes).where(notes.c.id.in_(rows))).mappings()
    return {row["id"]: (row["owner"], note_of(row)) for row in found}


def vectors(
    connection: Connection, account: AuthorId, embedder: str
) -> tuple[Sequence[tuple[int, bytes]], Sequence[tuple[int, str]]]:
    """Return somebody's notes as (row, vector), and those without one as (row, text)."""
    mine = notes.c.owner.in_(owners(connection, account))
    query = select(notes.c.id, notes.c.embedder, notes.c.vector, notes.c.category, notes.c.content)
    known, missing = [], []
    for row in connection.execute(query.where(mine)).mappings():
        if row["embedder"] == embedder and row["vector"] is not None:
            known.append((row["id"], row["vector"]))
        else:
            missing.append((row["id"], _words_of(row)))
    return known, missing


def keep_vectors(
    connection: Connection, embedder: str, made: Iterable[tuple[int, str, bytes]]
) -> None:
    """Store vectors of notes whose text is still the same."""
    for row, written, vector in made:
        now = connection.execute(select(notes).where(notes.c.id == row)).mappings().one_or_none()
        if now is not None and _words_of(now) == written:
            connection.execute(
                update(notes).where(notes.c.id == row).values(embedder=embedder, vector=vector)
            )


def note_of(row: RowMapping) -> Note:
    """Return a row as a note."""
    return Note(
        number=row["number"],
        category=row["category"],
        content=row["content"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        author_name=row["author_name"],
        pinned=row["pinned"],
        shared_in=row["shared_in"],
    )


def changed_at(moment: datetime, **values: Any) -> Mapping[str, Any]:  # noqa: ANN401  columns
    """Return what ``change`` stores."""
    return {**values, "updated_at": moment}


def _this(connection: Connection, account: AuthorId, number: int) -> ColumnElement[bool]:
    return notes.c.owner.in_(owners(connection, account)) & (notes.c.number == number)


def _words_of(row: RowMapping) -> str:
    return f"{row['category']}\n{row['content']}"


def _read(connection: Connection, query: Any) -> Sequence[Note]:  # noqa: ANN401  a select
    return [note_of(row) for row in connection.execute(query).mappings()]
