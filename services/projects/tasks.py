"""Tasks: what is to be done in a project, and by whom."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, Refused
from services.domain.ids import AuthorId
from services.projects.names import account_named
from services.projects.project_rows import project_in
from services.projects.records import Project, Status, Task
from services.projects.rules import LONGEST_TITLE, Asker, one_line
from services.projects.task_rows import (
    add_task,
    count_tasks,
    recent_tasks,
    remove_task,
    set_assigned,
    set_done,
    task_in,
    tasks_for,
    tasks_of,
)
from services.storage.database import Database

MOST_TASKS = 200
"""Tasks a project may have."""
PAGE = 20
"""Tasks listed at once."""


class Tasks:
    """Keeps the tasks of each place apart: a number means nothing anywhere else.

    Members add tasks to active projects. Whoever a task is assigned to, whoever created it, the
    owners of its project and moderators tick it; all but the first may also delete it and give it
    to others. Everything else raises ``NotAllowed``, unknown numbers ``NotFound``.
    """

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, asker: Asker, project: int, label: str) -> Task:
        """Add a task; see ``add_all``."""
        return (await self.add_all(asker, project, [label]))[0]

    async def add_all(self, asker: Asker, project: int, labels: Sequence[str]) -> Sequence[Task]:
        """Add tasks, all or none; raises ``Refused`` when the project would have too many."""
        asker.need_member()
        clean = [one_line(label, longest=LONGEST_TITLE, what="A task") for label in labels]

        def work(connection: Connection) -> Sequence[Task]:
            _need_active(project_in(connection, asker.place, project))
            if count_tasks(connection, asker.place, project) + len(clean) > MOST_TASKS:
                raise Refused("task_limit", f"A project may have {MOST_TASKS} tasks.")
            now = self._clock.now()
            return [
                add_task(connection, asker, project=project, label=label, at=now) for label in clean
            ]

        async with self._database.transaction() as tx:
            return await tx.run(work)

    async def of(self, asker: Asker, project: int, *, page: int = 1) -> Sequence[Task]:
        """Return a page of 20 tasks of a project, the oldest first."""

        def work(connection: Connection) -> Sequence[Task]:
            project_in(connection, asker.place, project)
            offset = (page - 1) * PAGE
            return tasks_of(connection, asker.place, project, limit=PAGE, offset=offset)

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def recent(self, asker: Asker) -> Sequence[Task]:
        """Return up to 200 tasks of active projects, those that are left first, newest first."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(recent_tasks, asker.place, limit=MOST_TASKS)

    async def info(self, asker: Asker, number: int) -> Task:
        """Return a task."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(task_in, asker.place, number)

    async def toggle(self, asker: Asker, number: int) -> Task:
        """Mark a task as done, or as not done if it was."""

        def work(connection: Connection) -> Task:
            task, project = _both(connection, asker, number)
            _need_active(project)
            _need_concerned(asker, task, project)
            at = None if task.is_done else self._clock.now()
            set_done(connection, asker.place, number, at)
            return task_in(connection, asker.place, number)

        async with self._database.steps() as steps:
            return await steps.run(work)

    async def remove(self, asker: Asker, number: int) -> Task:
        """Delete a task with its notes and return what it was."""

        def work(connection: Connection) -> Task:
            task, project = _both(connection, asker, number)
            allowed = (task.created_by, *project.owners)
            asker.need_among(allowed, "whoever created it, the owners of its project")
            remove_task(connection, asker.place, number)
            return task

        async with self._database.transaction() as tx:
            return await tx.run(work)

    async def assign(self, asker: Asker, number: int, to: AuthorId | str) -> Task:
        """Give a task to somebody; every member may take one that nobody has.

        ``to`` is an account that is known to be there, or what was typed for one: ``me``, an id or
        a name of somebody who has talked there. Raises ``InvalidRequest`` for an ambiguous name.
        """

        def work(connection: Connection) -> Task:
            task, project = _both(connection, asker, number)
            _need_active(project)
            chosen = account_named(connection, asker, to) if isinstance(to, str) else to
            if chosen == asker.account and task.assigned_to is None:
                asker.need_member()
            else:
                allowed = (task.created_by, *project.owners)
                asker.need_among(allowed, "whoever created it, the owners of its project")
            set_assigned(connection, asker.place, number, chosen)
            return task_in(connection, asker.place, number)

        async with self._database.transaction() as tx:
            return await tx.run(work)

    async def unassign(self, asker: Asker, number: int) -> Task:
        """Take a task from whoever has it; raises ``InvalidRequest`` when nobody has."""

        def work(connection: Connection) -> Task:
            task, project = _both(connection, asker, number)
            if task.assigned_to is None:
                raise InvalidRequest("task_unassigned", f"Task {number} is nobody's already.")
            _need_concerned(asker, task, project)
            set_assigned(connection, asker.place, number, None)
            return task_in(connection, asker.place, number)

        async with self._database.transaction() as tx:
            return await tx.run(work)

    async def for_person(
        self, asker: Asker, whom: AuthorId | str = "me", *, done: bool = False
    ) -> Sequence[Task]:
        """Return up to 20 tasks somebody has in active projects, with ``done`` also those done."""

        def work(connection: Connection) -> Sequence[Task]:
            chosen = account_named(connection, asker, whom) if isinstance(whom, str) else whom
            return tasks_for(connection, asker.place, chosen, done=done, limit=PAGE)

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)


def _both(connection: Connection, asker: Asker, number: int) -> tuple[Task, Project]:
    task = task_in(connection, asker.place, number)
    return task, project_in(connection, asker.place, task.project)


def _need_concerned(asker: Asker, task: Task, project: Project) -> None:
    asker.need_among(
        (task.assigned_to, task.created_by, *project.owners),
        "whoever has or created it, the owners of its project",
    )


def _need_active(project: Project) -> None:
    if project.status is not Status.ACTIVE:
        raise InvalidRequest(
            "project_inactive", f"Project {project.number} is {project.status}; nothing changes."
        )
