"""What is kept of people in projects, and taking it away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select, update

from services.domain.ids import AuthorId
from services.projects.tables import (
    project_ideas,
    project_notes,
    project_numbers,
    project_owners,
    project_tasks,
    projects,
)

_TABLES = (
    project_notes,
    project_tasks,
    project_owners,
    project_ideas,
    projects,
    project_numbers,
)


class ProjectHolding:
    """Projects, tasks, ideas and notes.

    What one person alone took part in goes with them, and so do their ideas and notes; projects
    and tasks that others share stay, without saying whose they were.
    """

    name = "projects"

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId], /
    ) -> Sequence[Mapping[str, object]]:
        """Return what the person created, owns, wrote or is to do, as JSON values."""
        who = [str(one) for one in accounts]
        columns: tuple[tuple[str, Table, ColumnElement[bool]], ...] = (
            ("project", projects, or_(projects.c.created_by.in_(who), _owned(who))),
            (
                "task",
                project_tasks,
                or_(project_tasks.c.created_by.in_(who), project_tasks.c.assigned_to.in_(who)),
            ),
            ("idea", project_ideas, project_ideas.c.author.in_(who)),
            ("note", project_notes, project_notes.c.author.in_(who)),
        )
        return [
            {"kind": kind} | {name: _json(value) for name, value in row.items()}
            for kind, table, mine in columns
            for row in connection.execute(
                select(table).where(mine).order_by(table.c.place, table.c.number)
            ).mappings()
        ]

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId], /) -> int:
        """Delete what is theirs alone, take them out of the rest; count the rows."""
        who = [str(one) for one in accounts]
        count = sum(
            connection.execute(delete(table).where(table.c[column].in_(who))).rowcount
            for table, column in ((project_notes, "author"), (project_ideas, "author"))
        )
        touched = connection.execute(
            select(projects.c.place, projects.c.number).where(
                or_(projects.c.created_by.in_(who), _owned(who))
            )
        ).all()
        count += sum(
            _erase_project(connection, place, number)
            for place, number in touched
            if not _shared(connection, place, number, who)
        )
        return (
            count
            + sum(
                connection.execute(
                    update(table).where(table.c[column].in_(who)).values({column: None})
                ).rowcount
                for table, column in (
                    (project_tasks, "created_by"),
                    (project_tasks, "assigned_to"),
                    (projects, "created_by"),
                )
            )
            + connection.execute(
                delete(project_owners).where(project_owners.c.account.in_(who))
            ).rowcount
        )

    def erase_place(self, connection: Connection, place: str, /) -> int:
        """Delete everything of a place, and of the private ones within it."""
        return sum(
            connection.execute(
                delete(table).where(
                    or_(
                        table.c.place == place,
                        table.c.place.startswith(f"{place}:", autoescape=True),
                    )
                )
            ).rowcount
            for table in _TABLES
        )


def _owned(who: Sequence[str]) -> ColumnElement[bool]:
    return (
        select(project_owners.c.account)
        .where(
            project_owners.c.place == projects.c.place,
            project_owners.c.project == projects.c.number,
            project_owners.c.account.in_(who),
        )
        .exists()
    )


def _shared(connection: Connection, place: str, number: int, who: Sequence[str]) -> bool:
    """Tell whether anybody else owns a project, has or created a task of it, or wrote about it."""
    tasks = select(project_tasks.c.number).where(
        project_tasks.c.place == place, project_tasks.c.project == number
    )
    others = (
        select(project_owners.c.account).where(
            project_owners.c.place == place,
            project_owners.c.project == number,
            project_owners.c.account.not_in(who),
        ),
        tasks.where(
            or_(
                project_tasks.c.created_by.not_in(who),
                project_tasks.c.assigned_to.not_in(who),
            )
        ),
        select(project_notes.c.number).where(
            project_notes.c.place == place,
            or_(project_notes.c.project == number, project_notes.c.task.in_(tasks)),
            project_notes.c.author.not_in(who),
        ),
    )
    return any(connection.execute(query.limit(1)).first() is not None for query in others)


def _erase_project(connection: Connection, place: str, number: int) -> int:
    tasks = select(project_tasks.c.number).where(
        project_tasks.c.place == place, project_tasks.c.project == number
    )
    of_project = (
        (
            project_notes,
            or_(project_notes.c.project == number, project_notes.c.task.in_(tasks)),
        ),
        (project_tasks, project_tasks.c.project == number),
        (project_owners, project_owners.c.project == number),
        (projects, projects.c.number == number),
    )
    return sum(
        connection.execute(delete(table).where(table.c.place == place, mine)).rowcount
        for table, mine in of_project
    )


def _json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
