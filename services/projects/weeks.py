"""The rhythm of a week: how it starts, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.projects.idea_rows import count_ideas_since, ideas_in
from services.projects.planning import Planner
from services.projects.project_rows import count_since, projects_in
from services.projects.records import Idea, Project, Status, Task
from services.projects.rules import Asker
from services.projects.task_rows import latest_tasks, tasks_done_since
from services.storage.database import Database

SHOWN = 5
"""Projects, ideas and tasks of each kind that a week shows."""
REFLECTIONS = (
    "What went well, and why?",
    "What held you up?",
    "What will you do differently next week?",
)
"""What to think about at the end of a week."""

_BLOCKS = 10
_DAYS = 7
_MOST_DONE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekStart:
    """The number of a week by ISO 8601, with what is under way and what could be."""

    year: int
    week: int
    projects: Sequence[Project]
    ideas: Sequence[Idea]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectWeek:
    """How far a project is: what was done last, and what is left."""

    project: Project
    done: Sequence[Task]
    left: Sequence[Task]

    @property
    def bar(self) -> str:
        """Ten blocks, filled as far as the project is."""
        return progress_bar(self.project.done, self.project.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrospective:
    """A look back at the active projects; ``summary`` is a model's, empty without one."""

    week: int
    projects: Sequence[ProjectWeek]
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekSummary:
    """What happened within seven days."""

    done: Sequence[Task]
    started: int
    finished: int
    ideas: int


def progress_bar(done: int, total: int) -> str:
    """Return ten blocks, of which as many tenths as are done, rounded down, are filled."""
    filled = done * _BLOCKS // total if total else 0
    return "█" * filled + "░" * (_BLOCKS - filled)


class Weeks:
    """Looks at the projects of a place as weeks; changes nothing."""

    def __init__(self, *, database: Database, clock: Clock, planner: Planner) -> None:
        self._database = database
        self._clock = clock
        self._planner = planner

    async def start(self, asker: Asker, *, timezone: str = "") -> WeekStart:
        """Return up to five active projects and unused ideas, the newest first.

        ``timezone`` is the IANA name of the zone whose week counts; without one it is UTC's.
        """

        def work(connection: Connection) -> tuple[Sequence[Project], Sequence[Idea]]:
            place = asker.place
            return (
                projects_in(connection, place, status=Status.ACTIVE, limit=SHOWN),
                ideas_in(connection, place, unused=True, limit=SHOWN),
            )

        async with self._database.reader() as snapshot:
            projects, ideas = await snapshot.run(work)
        today = self._now(timezone).isocalendar()
        return WeekStart(year=today.year, week=today.week, projects=projects, ideas=ideas)

    async def retrospective(self, asker: Asker, *, timezone: str = "") -> Retrospective:
        """Return where up to five active projects stand; may wait up to 60 s for a model."""

        def work(connection: Connection) -> Sequence[ProjectWeek]:
            place = asker.place
            return [
                ProjectWeek(
                    project=project,
                    done=latest_tasks(connection, place, project.number, done=True, limit=SHOWN),
                    left=latest_tasks(connection, place, project.number, done=False, limit=SHOWN),
                )
                for project in projects_in(connection, place, status=Status.ACTIVE, limit=SHOWN)
            ]

        async with self._database.reader() as snapshot:
            projects = await snapshot.run(work)
        summary = ""
        if any(one.done or one.left for one in projects):
            summary = await self._planner.look_back(_lines(projects), tenant=asker.place)
        week = self._now(timezone).isocalendar().week
        return Retrospective(week=week, projects=projects, summary=summary)

    async def summary(self, asker: Asker) -> WeekSummary:
        """Return what happened within the last seven days: up to 20 tasks, and counts."""
        since = self._clock.now() - timedelta(days=_DAYS)

        def work(connection: Connection) -> WeekSummary:
            place = asker.place
            started, finished = count_since(connection, place, since)
            return WeekSummary(
                done=tasks_done_since(connection, place, since, limit=_MOST_DONE),
                started=started,
                finished=finished,
                ideas=count_ideas_since(connection, place, since),
            )

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    def _now(self, timezone: str) -> datetime:
        try:
            zone = ZoneInfo(timezone) if timezone else UTC
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone = UTC
        return self._clock.now().astimezone(zone)


def _lines(projects: Sequence[ProjectWeek]) -> list[str]:
    lines = []
    for one in projects:
        lines.append(f"{one.project.title}: {one.project.done} of {one.project.total} tasks done")
        lines += [f"done: {task.label}" for task in one.done]
        lines += [f"left: {task.label}" for task in one.left]
    return lines
