"""How projects, tasks, ideas and weeks read in a terminal and in JSON."""

from __future__ import annotations

from services.projects.records import Idea, Project, Task
from services.projects.texts import idea_line, project_line, task_line
from services.projects.weeks import REFLECTIONS, Retrospective, WeekStart, WeekSummary


def project_fields(project: Project) -> dict[str, object]:
    """Return a project as JSON values."""
    return {
        "number": project.number,
        "title": project.title,
        "description": project.description,
        "tags": list(project.tags),
        "status": project.status.value,
        "done": project.done,
        "total": project.total,
    }


def task_fields(task: Task) -> dict[str, object]:
    """Return a task as JSON values."""
    return {
        "number": task.number,
        "project": task.project,
        "label": task.label,
        "done": task.is_done,
        "assignee": task.assignee or None,
    }


def idea_fields(idea: Idea) -> dict[str, object]:
    """Return an idea as JSON values."""
    return {
        "number": idea.number,
        "title": idea.title,
        "description": idea.description,
        "project": idea.used_project,
    }


def week_lines(week: WeekStart) -> list[str]:
    """Return the beginning of a week."""
    return [
        f"Week {week.week} of {week.year}",
        *(map(project_line, week.projects) if week.projects else ["No project is active."]),
        *(["Ideas:", *map(idea_line, week.ideas)] if week.ideas else ["There are no ideas."]),
    ]


def retrospective_lines(back: Retrospective) -> list[str]:
    """Return a look back at a week."""
    lines = [f"Looking back at week {back.week}"]
    for one in back.projects:
        lines += [project_line(one.project), one.bar]
        lines += [*map(task_line, one.done), *map(task_line, one.left)]
    if back.summary:
        lines.append(back.summary)
    return [*lines, *REFLECTIONS]


def summary_lines(summary: WeekSummary) -> list[str]:
    """Return what happened within seven days."""
    return [
        f"Projects started: {summary.started}, finished: {summary.finished}; "
        f"new ideas: {summary.ideas}",
        f"Tasks done: {len(summary.done)}",
        *map(task_line, summary.done),
    ]
