"""Projects: started, listed, looked at and put away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, Refused
from services.domain.ids import ConversationId
from services.memory.scope import place_of
from services.projects.idea_rows import idea_in, mark_used
from services.projects.project_rows import (
    add_project,
    count_projects,
    drop_thread,
    project_in,
    projects_in,
    set_status,
    set_thread,
)
from services.projects.records import Project, Status
from services.projects.rules import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    Asker,
    lines_of,
    one_line,
    tags_of,
)
from services.projects.threads import ThreadDirectory
from services.storage.database import Database

MOST_ACTIVE = 100
"""Active projects a place may have."""
MOST_EVER = 2_000
"""Projects a place may have together with those put away."""
PAGE = 20
"""Projects listed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What a project is to be; ``tags`` stand between commas, ``idea`` is the one it was."""

    title: str
    description: str = ""
    tags: str = ""
    idea: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A project after a change; ``trouble`` is a sentence on what did not work beside it."""

    project: Project
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of projects and how many there are in all."""

    projects: Sequence[Project]
    total: int


class Projects:
    """Keeps the projects of each place apart: a number means nothing anywhere else.

    Members start projects; only their owners and moderators change them, or ``NotAllowed``.
    """

    def __init__(self, *, database: Database, clock: Clock, threads: ThreadDirectory) -> None:
        self._database = database
        self._clock = clock
        self._threads = threads

    async def start(self, asker: Asker, new: NewProject, *, thread: bool = False) -> Outcome:
        """Start a project that belongs to ``asker``, with ``thread`` one to talk about it.

        Private places have no threads, and where none can be opened the project is kept all the
        same. Raises ``NotAllowed``, ``InvalidRequest``, ``NotFound`` for an unknown idea, and
        ``Refused`` when the place has too many projects.
        """
        asker.need_member()
        title = one_line(new.title, longest=LONGEST_TITLE, what="The title")
        what = "The description"
        description = lines_of(new.description, longest=LONGEST_DESCRIPTION, what=what)
        tags = tags_of(new.tags)

        def work(connection: Connection) -> Project:
            _check_room(connection, asker.place)
            if new.idea is not None and idea_in(connection, asker.place, new.idea).used_project:
                raise InvalidRequest("idea_used", "That idea has become a project already.")
            project = add_project(
                connection,
                asker,
                title=title,
                description=description,
                tags=tags,
                at=self._clock.now(),
            )
            if new.idea is not None:
                mark_used(connection, asker.place, new.idea, project.number)
            return project

        async with self._database.steps() as steps:
            project = await steps.run(work)
        if not thread or asker.is_private:
            return Outcome(project=project)
        opened, trouble = await self._threads.open(project, beside=asker.conversation)
        if opened is not None:
            async with self._database.steps() as steps:
                await steps.run(set_thread, asker.place, project.number, opened)
        return Outcome(project=await self.info(asker, project.number), trouble=trouble)

    async def listed(self, asker: Asker, status: Status | None = None, *, page: int = 1) -> Listing:
        """Return a page of 20 projects, the newest first, of one ``status`` or all."""

        def work(connection: Connection) -> Listing:
            place, offset = asker.place, (page - 1) * PAGE
            found = projects_in(connection, place, status=status, limit=PAGE, offset=offset)
            return Listing(projects=found, total=count_projects(connection, place, status))

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def info(self, asker: Asker, number: int) -> Project:
        """Return a project; raises ``NotFound``."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(project_in, asker.place, number)

    async def move(self, asker: Asker, number: int, to: Status) -> Outcome:
        """Archive or complete a project, or take it up again.

        Raises ``NotFound``, ``NotAllowed``, and ``InvalidRequest`` when it is so already.
        """

        def work(connection: Connection) -> Project:
            project = project_in(connection, asker.place, number)
            asker.need_among(project.owners, "its owners")
            if project.status is to:
                raise InvalidRequest("project_status", f"Project {number} is {to} already.")
            if to is Status.ACTIVE:
                _check_room(connection, asker.place, new=False)
            at = None if to is Status.ACTIVE else self._clock.now()
            set_status(connection, asker.place, number, to, at=at)
            return project_in(connection, asker.place, number)

        async with self._database.steps() as steps:
            project = await steps.run(work)
        trouble = ""
        if project.thread is not None and to is not Status.ACTIVE:
            trouble = await self._threads.close(project.thread)
        return Outcome(project=project, trouble=trouble)

    async def thread_gone(self, thread: ConversationId) -> None:
        """Go on without a thread that was deleted."""
        async with self._database.steps() as steps:
            await steps.run(drop_thread, place_of(thread), thread)


def _check_room(connection: Connection, place: str, *, new: bool = True) -> None:
    if count_projects(connection, place, Status.ACTIVE) >= MOST_ACTIVE:
        raise Refused(
            "project_limit", f"There are {MOST_ACTIVE} active projects here; archive one first."
        )
    if new and count_projects(connection, place) >= MOST_EVER:
        raise Refused("project_limit", f"A place may have {MOST_EVER} projects, and no more.")
