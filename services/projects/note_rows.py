"""Notes as rows; every function finds only those of the place it is given."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from services.domain.ids import AuthorId
from services.projects.names import names_of
from services.projects.numbers import next_number
from services.projects.records import Note
from services.projects.rules import Asker
from services.projects.tables import project_notes

Of = Literal["project", "task"]


def add_note(
    connection: Connection, asker: Asker, *, of: Of, number: int, content: str, at: datetime
) -> Note:
    """Store a note on the project or task with a number."""
    row = {
        "place": asker.place,
        "number": next_number(connection, asker.place, "note"),
        "author": str(asker.account),
        "content": content,
        "created_at": at,
        of: number,
    }
    connection.execute(insert(project_notes).values(row))
    return notes_of(connection, asker.place, of=of, number=number, limit=1)[0]


def notes_of(connection: Connection, place: str, *, of: Of, number: int, limit: int) -> list[Note]:
    """Return the notes on the project or task with a number, the newest first."""
    query = (
        select(project_notes)
        .where(project_notes.c.place == place, project_notes.c[of] == number)
        .order_by(project_notes.c.number.desc())
        .limit(limit)
    )
    rows = connection.execute(query).mappings().all()
    authors = [AuthorId.parse(row["author"]) for row in rows]
    names = names_of(connection, authors)
    return [
        Note(
            number=row["number"],
            content=row["content"],
            author=author,
            author_name=names.get(author, author.user),
            created_at=row["created_at"],
        )
        for row, author in zip(rows, authors, strict=True)
    ]


def count_notes(connection: Connection, place: str, *, of: Of, number: int) -> int:
    """Return how many notes there are on the project or task with a number."""
    query = select(func.count()).select_from(project_notes)
    query = query.where(project_notes.c.place == place, project_notes.c[of] == number)
    return int(connection.execute(query).scalar_one())
