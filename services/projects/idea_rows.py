"""Ideas as rows; every function finds only those of the place it is given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from services.domain.errors import NotFound
from services.domain.ids import AuthorId
from services.projects.numbers import is_number, next_number
from services.projects.records import Idea
from services.projects.rules import Asker
from services.projects.tables import project_ideas


def add_idea(
    connection: Connection, asker: Asker, *, title: str, description: str, at: datetime
) -> Idea:
    """Store an idea."""
    number = next_number(connection, asker.place, "idea")
    connection.execute(
        insert(project_ideas).values(
            place=asker.place,
            number=number,
            author=str(asker.account),
            title=title,
            description=description,
            created_at=at,
        )
    )
    return idea_in(connection, asker.place, number)


def idea_in(connection: Connection, place: str, number: int) -> Idea:
    """Return an idea of ``place``; raises ``NotFound``."""
    query = _query(place).where(project_ideas.c.number == number)
    found = connection.execute(query).mappings().first() if is_number(number) else None
    if found is None:
        raise NotFound("idea_unknown", f"There is no idea {number} here.")
    return _idea(found)


def ideas_in(
    connection: Connection, place: str, *, unused: bool, limit: int, offset: int = 0
) -> list[Idea]:
    """Return ideas of ``place``, the newest first."""
    query = _query(place)
    if unused:
        query = query.where(project_ideas.c.used_project.is_(None))
    query = query.order_by(project_ideas.c.number.desc()).limit(limit).offset(offset)
    return [_idea(row) for row in connection.execute(query).mappings()]


def unused_number(connection: Connection, place: str, position: int) -> int:
    """Return the number of the unused idea at ``position``, counted from 0 by number."""
    query = _unused(place, project_ideas.c.number).order_by(project_ideas.c.number)
    return int(connection.execute(query.limit(1).offset(position)).scalar_one())


def count_unused(connection: Connection, place: str) -> int:
    """Return how many ideas of ``place`` have become nothing yet."""
    return int(connection.execute(_unused(place, func.count())).scalar_one())


def count_ideas_since(connection: Connection, place: str, since: datetime) -> int:
    """Return how many ideas ``place`` has had since a moment."""
    query = select(func.count()).select_from(project_ideas)
    query = query.where(project_ideas.c.place == place, project_ideas.c.created_at >= since)
    return int(connection.execute(query).scalar_one())


def mark_used(connection: Connection, place: str, number: int, project: int) -> None:
    """Note which project an idea has become."""
    connection.execute(
        update(project_ideas)
        .where(project_ideas.c.place == place, project_ideas.c.number == number)
        .values(used_project=project)
    )


def remove_idea(connection: Connection, place: str, number: int) -> None:
    """Delete an idea."""
    connection.execute(
        delete(project_ideas).where(
            project_ideas.c.place == place, project_ideas.c.number == number
        )
    )


def _query(place: str) -> Select[tuple[object, ...]]:
    return select(project_ideas).where(project_ideas.c.place == place)


def _unused(place: str, what: ColumnElement[int]) -> Select[Any]:
    return select(what).where(
        project_ideas.c.place == place, project_ideas.c.used_project.is_(None)
    )


def _idea(row: RowMapping) -> Idea:
    return Idea(
        number=row["number"],
        title=row["title"],
        description=row["description"],
        author=None if row["author"] is None else AuthorId.parse(row["author"]),
        used_project=row["used_project"],
        created_at=row["created_at"],
    )
