"""Projects as rows; every function finds only those of the place it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId
from services.projects.numbers import is_number, next_number
from services.projects.records import Project, Status
from services.projects.rules import Asker
from services.projects.tables import project_owners, project_tasks, projects


def add_project(
    connection: Connection,
    asker: Asker,
    *,
    title: str,
    description: str,
    tags: Sequence[str],
    at: datetime,
) -> Project:
    """Store a project that belongs to ``asker``."""
    place = asker.place
    number = next_number(connection, place, "project")
    connection.execute(
        insert(projects).values(
            place=place,
            number=number,
            title=title,
            description=description,
            tags=list(tags),
            status=Status.ACTIVE.value,
            created_by=str(asker.account),
            created_at=at,
        )
    )
    add_owner(connection, place, number, asker.account)
    return project_in(connection, place, number)


def add_owner(connection: Connection, place: str, project: int, account: AuthorId) -> None:
    """Let a project belong to one more account."""
    connection.execute(
        insert(project_owners).values(place=place, project=project, account=str(account))
    )


def project_in(connection: Connection, place: str, number: int) -> Project:
    """Return a project of ``place``; raises ``NotFound``."""
    query = _query(place).where(projects.c.number == number)
    row = connection.execute(query).mappings().first() if is_number(number) else None
    if row is None:
        raise NotFound("project_unknown", f"There is no project {number} here.")
    return _project(connection, row)


def projects_in(
    connection: Connection,
    place: str,
    *,
    status: Status | None = None,
    limit: int,
    offset: int = 0,
) -> list[Project]:
    """Return projects of ``place``, the newest first."""
    query = _query(place).order_by(projects.c.number.desc()).limit(limit).offset(offset)
    if status is not None:
        query = query.where(projects.c.status == status.value)
    rows = connection.execute(query).mappings().all()
    return [_project(connection, row) for row in rows]


def count_projects(connection: Connection, place: str, status: Status | None = None) -> int:
    """Return how many projects ``place`` has."""
    query = select(func.count()).select_from(projects).where(projects.c.place == place)
    if status is not None:
        query = query.where(projects.c.status == status.value)
    return int(connection.execute(query).scalar_one())


def count_since(connection: Connection, place: str, since: datetime) -> tuple[int, int]:
    """Return how many projects of ``place`` were started and put away since a moment."""
    counted = (
        select(func.count()).select_from(projects).where(projects.c.place == place, moment >= since)
        for moment in (projects.c.created_at, projects.c.archived_at)
    )
    started, finished = (int(connection.execute(query).scalar_one()) for query in counted)
    return started, finished


def set_status(
    connection: Connection, place: str, number: int, status: Status, *, at: datetime | None
) -> None:
    """Change how far a project has come; ``at`` is when it was put away."""
    connection.execute(
        update(projects)
        .where(projects.c.place == place, projects.c.number == number)
        .values(status=status.value, archived_at=at)
    )


def set_thread(
    connection: Connection, place: str, number: int, thread: ConversationId | None
) -> None:
    """Note where a project is talked about."""
    connection.execute(
        update(projects)
        .where(projects.c.place == place, projects.c.number == number)
        .values(thread=None if thread is None else str(thread))
    )


def drop_thread(connection: Connection, place: str, thread: ConversationId) -> int:
    """Forget a thread that is gone and return how many projects it was of."""
    return connection.execute(
        update(projects)
        .where(projects.c.place == place, projects.c.thread == str(thread))
        .values(thread=None)
    ).rowcount


def _query(place: str) -> Select[tuple[object, ...]]:
    mine = (project_tasks.c.place == projects.c.place) & (
        project_tasks.c.project == projects.c.number
    )
    total = select(func.count()).select_from(project_tasks).where(mine).scalar_subquery()
    done = (
        select(func.count())
        .select_from(project_tasks)
        .where(mine, project_tasks.c.is_done)
        .scalar_subquery()
    )
    return select(projects, total.label("total"), done.label("done")).where(
        projects.c.place == place
    )


def _project(connection: Connection, row: RowMapping) -> Project:
    owners = connection.execute(
        select(project_owners.c.account)
        .where(
            project_owners.c.place == row["place"],
            project_owners.c.project == row["number"],
        )
        .order_by(project_owners.c.account)
    ).scalars()
    return Project(
        number=row["number"],
        title=row["title"],
        description=row["description"],
        tags=tuple(row["tags"]),
        status=Status(row["status"]),
        owners=tuple(AuthorId.parse(one) for one in owners),
        thread=None if row["thread"] is None else ConversationId.parse(row["thread"]),
        created_at=row["created_at"],
        archived_at=row["archived_at"],
        done=row["done"],
        total=row["total"],
    )
