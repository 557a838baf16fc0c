"""Tools about projects and the notes on them and on tasks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.projects.projects import PAGE, NewProject
from services.projects.records import Status
from services.projects.rules import LONGEST_DESCRIPTION, LONGEST_NOTE, LONGEST_TITLE
from services.projects.service import ProjectServices
from services.projects.texts import note_line, project_line, project_lines, task_line
from services.projects.tool_parts import (
    AREA,
    Arguments,
    OfProject,
    OfTask,
    Page,
    asker_of,
    listed,
)
from services.toolbox.spec import Effect, ToolContext, ToolSpec

_WORDS = ("project", "projects", "projekt", "projekte", "progress")
_NOTE_WORDS = ("note", "notes", "remark", "comment", "notiz", "notizen", "anmerkung")

_PATTERNS = {
    "get_projects": r"\b(which|what|list|show)\b.{0,30}\bprojects\b|\bwelche projekte",
    "create_project": r"\b(start|create|begin|new)\b.{0,30}\bproject|\bneues projekt",
    "get_project_info": r"\b(project|projekt) #?\d+",
    "archive_project": r"\b(archive|close|finish)\b.{0,30}\bproject|"
    r"\bprojekt\b.{0,30}\b(archiv|abschließ)",
    "add_project_note": r"\b(add|write)\b.{0,30}\bnote\b.{0,30}\bproject",
    "get_project_notes": r"\bnotes\b.{0,30}\bproject",
    "add_task_note": r"\bnote\b.{0,30}\btask",
    "get_task_notes": r"\bnotes\b.{0,30}\btask",
}
"""What people say who want each of them."""


class _Which(Arguments):
    status: Status | None = Field(None, description="Only those that are so; empty for all.")
    page: Page = 1


class _New(Arguments):
    title: str = Field(min_length=1, max_length=LONGEST_TITLE, description="What it is called.")
    description: str = Field("", max_length=LONGEST_DESCRIPTION, description="What it is about.")


class _ProjectNote(OfProject):
    content: str = Field(min_length=1, max_length=LONGEST_NOTE, description="The note.")


class _TaskNote(OfTask):
    content: str = Field(min_length=1, max_length=LONGEST_NOTE, description="The note.")


class ProjectTools:
    """What the tools do."""

    def __init__(self, services: ProjectServices) -> None:
        self._services = services

    async def get_projects(self, wanted: _Which, context: ToolContext) -> str:
        """List projects."""
        found = await self._services.projects.listed(
            asker_of(context), wanted.status, page=wanted.page
        )
        lines = [project_line(one) for one in found.projects]
        if found.total > wanted.page * PAGE:
            lines.append(f"{found.total} in all; page {wanted.page + 1} has the next.")
        return listed(lines, empty="There are no projects.")

    async def create_project(self, wanted: _New, context: ToolContext) -> str:
        """Start a project."""
        new = NewProject(title=wanted.title, description=wanted.description)
        started = await self._services.projects.start(asker_of(context), new)
        return f"Project {started.project.number} is started."

    async def get_project_info(self, wanted: OfProject, context: ToolContext) -> str:
        """Show a project with its first tasks."""
        asker = asker_of(context)
        project = await self._services.projects.info(asker, wanted.project_id)
        tasks = await self._services.tasks.of(asker, wanted.project_id)
        return listed([*project_lines(project), *map(task_line, tasks)], empty="")

    async def archive_project(self, wanted: OfProject, context: ToolContext) -> str:
        """Archive a project."""
        moved = await self._services.projects.move(
            asker_of(context), wanted.project_id, Status.ARCHIVED
        )
        return f"Project {moved.project.number} is archived. {moved.trouble}".strip()

    async def add_project_note(self, wanted: _ProjectNote, context: ToolContext) -> str:
        """Write a note on a project."""
        number = wanted.project_id
        await self._services.notes.add(asker_of(context), "project", number, wanted.content)
        return f"The note on project {number} is kept."

    async def get_project_notes(self, wanted: OfProject, context: ToolContext) -> str:
        """Read the notes on a project."""
        notes = await self._services.notes.of(asker_of(context), "project", wanted.project_id)
        return listed(map(note_line, notes), empty="There are no notes.")

    async def add_task_note(self, wanted: _TaskNote, context: ToolContext) -> str:
        """Write a note on a task."""
        number = wanted.task_id
        await self._services.notes.add(asker_of(context), "task", number, wanted.content)
        return f"The note on task {number} is kept."

    async def get_task_notes(self, wanted: OfTask, context: ToolContext) -> str:
        """Read the notes on a task."""
        notes = await self._services.notes.of(asker_of(context), "task", wanted.task_id)
        return listed(map(note_line, notes), empty="There are no notes.")

    def specs(self) -> Sequence[ToolSpec]:
        """Return the tools."""
        return [*self._of_projects(), *self._of_notes()]

    def _of_projects(self) -> Sequence[ToolSpec]:
        return [
            ToolSpec(
                name="get_projects",
                description="List the projects of this place with their numbers and progress.",
                parameters=_Which,
                handler=self.get_projects,
                area=AREA,
                keywords=(*_WORDS, "list", "liste"),
                pattern=_PATTERNS["get_projects"],
            ),
            ToolSpec(
                name="create_project",
                description="Start a new project in the list of this place.",
                parameters=_New,
                handler=self.create_project,
                area=AREA,
                keywords=(*_WORDS, "start", "create", "new", "starten", "anlegen", "neues"),
                pattern=_PATTERNS["create_project"],
                effect=Effect.OWN,
                untrusted=False,
            ),
            ToolSpec(
                name="get_project_info",
                description="Show one project: description, tags, progress and its tasks.",
                parameters=OfProject,
                handler=self.get_project_info,
                area=AREA,
                keywords=(*_WORDS, "info", "details", "status"),
                pattern=_PATTERNS["get_project_info"],
            ),
            ToolSpec(
                name="archive_project",
                description="Put a project away; its tasks stay as they are.",
                parameters=OfProject,
                handler=self.archive_project,
                area=AREA,
                keywords=(*_WORDS, "archive", "close", "finish", "archivieren", "abschließen"),
                pattern=_PATTERNS["archive_project"],
                effect=Effect.OTHERS,
                untrusted=False,
            ),
        ]

    def _of_notes(self) -> Sequence[ToolSpec]:
        return [
            ToolSpec(
                name="add_project_note",
                description="Write a note on a project for everybody here to read.",
                parameters=_ProjectNote,
                handler=self.add_project_note,
                area=AREA,
                keywords=(*_WORDS, *_NOTE_WORDS),
                pattern=_PATTERNS["add_project_note"],
                effect=Effect.OWN,
                untrusted=False,
            ),
            ToolSpec(
                name="get_project_notes",
                description="Read the notes on a project, the newest first.",
                parameters=OfProject,
                handler=self.get_project_notes,
                area=AREA,
                keywords=(*_WORDS, *_NOTE_WORDS, "read", "lesen"),
                pattern=_PATTERNS["get_project_notes"],
            ),
            ToolSpec(
                name="add_task_note",
                description="Write a note on a task for everybody here to read.",
                parameters=_TaskNote,
                handler=self.add_task_note,
                area=AREA,
                keywords=("task", "aufgabe", *_NOTE_WORDS),
                pattern=_PATTERNS["add_task_note"],
                effect=Effect.OWN,
                untrusted=False,
            ),
            ToolSpec(
                name="get_task_notes",
                description="Read the notes on a task, the newest first.",
                parameters=OfTask,
                handler=self.get_task_notes,
                area=AREA,
                keywords=("task", "aufgabe", *_NOTE_WORDS, "read", "lesen"),
                pattern=_PATTERNS["get_task_notes"],
            ),
        ]
