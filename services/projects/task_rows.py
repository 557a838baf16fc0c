"""Tasks as rows; every function finds only those of the place it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from services.domain.errors import NotFound
from services.domain.ids import AuthorId
from services.projects.names import names_of
from services.projects.numbers import is_number, next_number
from services.projects.records import Status, Task
from services.projects.rules import Asker
from services.projects.tables import project_notes, project_tasks, projects


def add_task(
    connection: Connection, asker: Asker, *, project: int, label: str, at: datetime
) -> Task:
    """Store a task of a project."""
    number = next_number(connection, asker.place, "task")
    connection.execute(
        insert(project_tasks).values(
            place=asker.place,
            number=number,
            project=project,
            label=label,
            is_done=False,
            created_by=str(asker.account),
            created_at=at,
        )
    )
    return task_in(connection, asker.place, number)


def task_in(connection: Connection, place: str, number: int) -> Task:
    """Return a task of ``place``; raises ``NotFound``."""
    query = _query(place).where(project_tasks.c.number == number)
    found = _tasks(connection, query) if is_number(number) else []
    if not found:
        raise NotFound("task_unknown", f"There is no task {number} here.")
    return found[0]


def tasks_of(
    connection: Connection, place: str, project: int, *, limit: int, offset: int = 0
) -> list[Task]:
    """Return tasks of a project, the oldest first."""
    query = _query(place).where(project_tasks.c.project == project)
    query = query.order_by(project_tasks.c.number).limit(limit).offset(offset)
    return _tasks(connection, query)


def tasks_for(
    connection: Connection, place: str, account: AuthorId, *, done: bool, limit: int
) -> list[Task]:
    """Return what an account has to do in active projects, with ``done`` also what it has done."""
    query = _active(place).where(project_tasks.c.assigned_to == str(account))
    if not done:
        query = query.where(~project_tasks.c.is_done)
    return _tasks(connection, query.order_by(project_tasks.c.number).limit(limit))


def recent_tasks(connection: Connection, place: str, *, limit: int) -> list[Task]:
    """Return tasks of active projects, those that are left first, the newest first."""
    query = _active(place).order_by(project_tasks.c.is_done, project_tasks.c.number.desc())
    return _tasks(connection, query.limit(limit))


def latest_tasks(
    connection: Connection, place: str, project: int, *, done: bool, limit: int
) -> list[Task]:
    """Return what was done last in a project, or what is left of it from the oldest on."""
    order = project_tasks.c.done_at.desc() if done else project_tasks.c.number
    query = _query(place).where(project_tasks.c.project == project, project_tasks.c.is_done == done)
    return _tasks(connection, query.order_by(order, project_tasks.c.number).limit(limit))


def tasks_done_since(
    connection: Connection, place: str, since: datetime, *, limit: int
) -> list[Task]:
    """Return what was done since a moment, the latest first."""
    query = _query(place).where(project_tasks.c.is_done, project_tasks.c.done_at >= since)
    return _tasks(connection, query.order_by(project_tasks.c.done_at.desc()).limit(limit))


def count_tasks(connection: Connection, place: str, project: int) -> int:
    """Return how many tasks a project has."""
    query = select(func.count()).select_from(project_tasks)
    query = query.where(project_tasks.c.place == place, project_tasks.c.project == project)
    return int(connection.execute(query).scalar_one())


def set_done(connection: Connection, place: str, number: int, at: datetime | None) -> None:
    """Mark a task as done at a moment, or as not done."""
    _change(connection, place, number, is_done=at is not None, done_at=at)


def set_assigned(connection: Connection, place: str, number: int, to: AuthorId | None) -> None:
    """Give a task to somebody or to nobody."""
    _change(connection, place, number, assigned_to=None if to is None else str(to))


def remove_task(connection: Connection, place: str, number: int) -> None:
    """Delete a task with its notes."""
    for table, column in ((project_notes, "task"), (project_tasks, "number")):
        connection.execute(delete(table).where(table.c.place == place, table.c[column] == number))


def _change(connection: Connection, place: str, number: int, **values: object) -> None:
    connection.execute(
        update(project_tasks)
        .where(project_tasks.c.place == place, project_tasks.c.number == number)
        .values(**values)
    )


def _query(place: str) -> Select[tuple[object, ...]]:
    return select(project_tasks).where(project_tasks.c.place == place)


def _active(place: str) -> Select[tuple[object, ...]]:
    return (
        _query(place)
        .join(
            projects,
            (projects.c.place == project_tasks.c.place)
            & (projects.c.number == project_tasks.c.project),
        )
        .where(projects.c.status == Status.ACTIVE.value)
    )


def _tasks(connection: Connection, query: Select[tuple[object, ...]]) -> list[Task]:
    rows: Sequence[RowMapping] = connection.execute(query).mappings().all()
    names = names_of(connection, [_account(row["assigned_to"]) for row in rows])
    found = []
    for row in rows:
        assigned = _account(row["assigned_to"])
        found.append(
            Task(
                number=row["number"],
                project=row["project"],
                label=row["label"],
                is_done=row["is_done"],
                created_by=_account(row["created_by"]),
                assigned_to=assigned,
                assignee="" if assigned is None else names.get(assigned, assigned.user),
                created_at=row["created_at"],
                done_at=row["done_at"],
            )
        )
    return found


def _account(text: str | None) -> AuthorId | None:
    return None if text is None else AuthorId.parse(text)
