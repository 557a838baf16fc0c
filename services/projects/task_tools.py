"""Tools about tasks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.projects.rules import LONGEST_TITLE
from services.projects.service import ProjectServices
from services.projects.texts import task_line
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

_WORDS = ("task", "tasks", "todo", "checklist", "aufgabe", "aufgaben", "checkliste")
_PATTERNS = {
    "create_task": r"\b(add|create|new)\b.{0,60}\b(task|todo)|\b(füge|neue)\b.{0,60}\baufgabe",
    "get_tasks": r"\b(which|what|list|show|open)\b.{0,30}\b(tasks|todos|checklist)|"
    r"\bwelche aufgaben",
    "toggle_task": r"\b(task|todo|aufgabe) #?\d+.{0,30}\b(done|finished|complete|erledigt|fertig)|"
    r"\b(mark|tick)\b.{0,30}\btask",
    "delete_task": r"\b(delete|remove)\b.{0,20}\btask|\blösche?\b.{0,20}\baufgabe",
    "assign_task": r"\b(assign|take|give)\b.{0,40}\btask|\btask\b.{0,40}\bto @|"
    r"\baufgabe\b.{0,40}\b(zu|übernehm)",
    "unassign_task": r"\b(unassign|drop|give back)\b.{0,30}\btask",
    "get_user_tasks": r"\b(my|meine) (open |offenen )?(tasks|todos|aufgaben)|\bdo i have to do\b|"
    r"\bmuss ich (noch )?(tun|machen)",
}
"""What people say who want each of them."""
_WHO = "An id, a name, or me for whoever asks."


class _NewTask(OfProject):
    label: str = Field(min_length=1, max_length=LONGEST_TITLE, description="What is to be done.")


class _TasksOf(OfProject):
    page: Page = 1


class _Assigned(OfTask):
    user_id: str = Field(min_length=1, max_length=100, description=_WHO)


class _Whose(Arguments):
    user_id: str = Field("me", min_length=1, max_length=100, description=_WHO)
    include_done: bool = Field(default=False, description="Whether tasks that are done count.")


class TaskTools:
    """What the tools do."""

    def __init__(self, services: ProjectServices) -> None:
        self._tasks = services.tasks

    async def create_task(self, wanted: _NewTask, context: ToolContext) -> str:
        """Add a task."""
        task = await self._tasks.add(asker_of(context), wanted.project_id, wanted.label)
        return f"Task {task.number} is added to project {task.project}."

    async def get_tasks(self, wanted: _TasksOf, context: ToolContext) -> str:
        """List the tasks of a project."""
        tasks = await self._tasks.of(asker_of(context), wanted.project_id, page=wanted.page)
        return listed(map(task_line, tasks), empty="There are no tasks.")

    async def toggle_task(self, wanted: OfTask, context: ToolContext) -> str:
        """Tick a task, or untick it."""
        task = await self._tasks.toggle(asker_of(context), wanted.task_id)
        return f"Task {task.number} is {'done' if task.is_done else 'not done any more'}."

    async def delete_task(self, wanted: OfTask, context: ToolContext) -> str:
        """Delete a task."""
        task = await self._tasks.remove(asker_of(context), wanted.task_id)
        return f"Task {task.number} is deleted."

    async def assign_task(self, wanted: _Assigned, context: ToolContext) -> str:
        """Give a task to somebody."""
        task = await self._tasks.assign(asker_of(context), wanted.task_id, wanted.user_id)
        return f"Task {task.number} is now for {task.assignee}."

    async def unassign_task(self, wanted: OfTask, context: ToolContext) -> str:
        """Take a task from whoever has it."""
        task = await self._tasks.unassign(asker_of(context), wanted.task_id)
        return f"Task {task.number} is nobody's now."

    async def get_user_tasks(self, wanted: _Whose, context: ToolContext) -> str:
        """List what somebody has to do."""
        tasks = await self._tasks.for_person(
            asker_of(context), wanted.user_id, done=wanted.include_done
        )
        lines = (f"project {task.project}, task {task_line(task)}" for task in tasks)
        return listed(lines, empty="There are no such tasks.")

    def specs(self) -> Sequence[ToolSpec]:
        """Return the tools."""
        return [*self._of_lists(), *self._of_people()]

    def _of_lists(self) -> Sequence[ToolSpec]:
        return [
            ToolSpec(
                name="create_task",
                description="Add a task to a project.",
                parameters=_NewTask,
                handler=self.create_task,
                area=AREA,
                keywords=(*_WORDS, "add", "create", "new", "hinzufügen", "neue"),
                pattern=_PATTERNS["create_task"],
                effect=Effect.OWN,
                untrusted=False,
            ),
            ToolSpec(
                name="get_tasks",
                description="List the tasks of a project with their numbers and whether done.",
                parameters=_TasksOf,
                handler=self.get_tasks,
                area=AREA,
                keywords=(*_WORDS, "list", "liste", "offen"),
                pattern=_PATTERNS["get_tasks"],
            ),
            ToolSpec(
                name="toggle_task",
                description="Mark a task as done, or as not done if it was.",
                parameters=OfTask,
                handler=self.toggle_task,
                area=AREA,
                keywords=(*_WORDS, "done", "finished", "erledigt", "abhaken"),
                pattern=_PATTERNS["toggle_task"],
                effect=Effect.OWN,
                untrusted=False,
            ),
            ToolSpec(
                name="delete_task",
                description="Delete a task from its project.",
                parameters=OfTask,
                handler=self.delete_task,
                area=AREA,
                keywords=(*_WORDS, "delete", "remove", "löschen", "entfernen"),
                pattern=_PATTERNS["delete_task"],
                effect=Effect.OTHERS,
                untrusted=False,
            ),
        ]

    def _of_people(self) -> Sequence[ToolSpec]:
        return [
            ToolSpec(
                name="assign_task",
                description="Give a task to somebody who is here.",
                parameters=_Assigned,
                handler=self.assign_task,
                area=AREA,
                keywords=(*_WORDS, "assign", "zuweisen", "übernehmen"),
                pattern=_PATTERNS["assign_task"],
                effect=Effect.OTHERS,
            ),
            ToolSpec(
                name="unassign_task",
                description="Take a task from whoever it is assigned to.",
                parameters=OfTask,
                handler=self.unassign_task,
                area=AREA,
                keywords=(*_WORDS, "unassign", "abgeben"),
                pattern=_PATTERNS["unassign_task"],
                effect=Effect.OTHERS,
                untrusted=False,
            ),
            ToolSpec(
                name="get_user_tasks",
                description="List the tasks that somebody has to do in the projects of this place.",
                parameters=_Whose,
                handler=self.get_user_tasks,
                area=AREA,
                keywords=(*_WORDS, "assigned", "zugewiesen"),
                pattern=_PATTERNS["get_user_tasks"],
            ),
        ]
