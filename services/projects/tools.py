"""Everything characters may do with projects, tasks, ideas and notes."""

from __future__ import annotations

from collections.abc import Sequence

from services.projects.idea_tools import IdeaTools
from services.projects.project_tools import ProjectTools
from services.projects.service import ProjectServices
from services.projects.task_tools import TaskTools
from services.toolbox.spec import ToolSpec


def project_tools(services: ProjectServices) -> Sequence[ToolSpec]:
    """Return the tools, which find only what belongs to the place they are used in."""
    return [
        *ProjectTools(services).specs(),
        *TaskTools(services).specs(),
        *IdeaTools(services).specs(),
    ]
