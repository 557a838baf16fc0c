"""Everything about projects that commands and tools call."""

from __future__ import annotations

from dataclasses import dataclass

from services.projects.ideas import Ideas
from services.projects.notes import ProjectNotes
from services.projects.planning import Planner
from services.projects.projects import Projects
from services.projects.tasks import Tasks
from services.projects.threads import ThreadDirectory
from services.projects.weeks import Weeks


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectServices:
    """The services of one installation; each takes an ``Asker`` and finds only what is there."""

    projects: Projects
    tasks: Tasks
    ideas: Ideas
    notes: ProjectNotes
    weeks: Weeks
    planner: Planner
    threads: ThreadDirectory
