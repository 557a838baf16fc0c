"""Projects as short plain text, for models and terminals."""

from __future__ import annotations

from services.projects.records import Idea, Note, Project, Task


def project_line(project: Project) -> str:
    """Return a project on one line."""
    return f"{project.number}: {project.title} ({project.status}) [{project.done}/{project.total}]"


def project_lines(project: Project) -> list[str]:
    """Return what is known of a project."""
    lines = [project_line(project), f"since {project.created_at:%Y-%m-%d}"]
    if project.description:
        lines.append(project.description)
    if project.tags:
        lines.append(" ".join(f"#{tag}" for tag in project.tags))
    return lines


def task_line(task: Task) -> str:
    """Return a task on one line."""
    box = "x" if task.is_done else " "
    whose = f" (for {task.assignee})" if task.assignee else ""
    return f"{task.number}: [{box}] {task.label}{whose}"


def idea_line(idea: Idea) -> str:
    """Return an idea on one line."""
    used = f" (became project {idea.used_project})" if idea.used_project else ""
    more = f" - {' '.join(idea.description.split())}" if idea.description else ""
    return f"{idea.number}: {idea.title}{used}{more}"


def note_line(note: Note) -> str:
    """Return a note with who wrote it when."""
    return f"{note.created_at:%Y-%m-%d} {note.author_name}: {note.content}"
