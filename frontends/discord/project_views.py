"""How projects, tasks, ideas and weeks read on Discord."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from frontends.discord.memory_text import moment, shown
from frontends.discord.places import channel_in
from services.projects.projects import Outcome
from services.projects.records import Idea, Note, Project, Status, Task
from services.projects.rules import LONGEST_DESCRIPTION, LONGEST_NOTE, LONGEST_TITLE
from services.projects.weeks import (
    REFLECTIONS,
    ProjectWeek,
    Retrospective,
    WeekStart,
    WeekSummary,
    progress_bar,
)

_LONGEST_LIST = 1_900
_WIDTHS = (LONGEST_TITLE, 60, 30, 15)
"""Widths of tasks that are tried; escaped, twenty of the last fit in any case."""
_MARKS = {Status.ACTIVE: "🔨", Status.ARCHIVED: "📦", Status.COMPLETED: "🏁"}


def project_line(project: Project) -> str:
    """Return a project on one line."""
    mark = _MARKS[project.status]
    where = channel_in(project.thread) if project.thread is not None else None
    link = f" <#{where}>" if where is not None else ""
    progress = f"[{project.done}/{project.total}]"
    return f"{mark} **{project.number}** {shown(project.title)} {progress}{link}"


def project_text(project: Project, tasks: Sequence[Task] = ()) -> str:
    """Return all there is to know of a project."""
    lines = [
        project_line(project),
        f"{progress_bar(project.done, project.total)} since {moment(project.created_at)}",
    ]
    if project.description:
        lines.append(f"> {shown(project.description, longest=LONGEST_DESCRIPTION)}")
    if project.tags:
        lines.append(" ".join(f"`{shown(tag).replace('`', '')}`" for tag in project.tags))
    if project.owners:
        lines.append("-# of " + ", ".join(f"<@{one.user}>" for one in project.owners))
    return "\n".join([*lines, *map(task_line, tasks)])


def outcome_text(outcome: Outcome, said: str) -> str:
    """Return a project after a change, with what did not work."""
    lines = [said, project_text(outcome.project)]
    return "\n".join([*lines, f"-# {outcome.trouble}"] if outcome.trouble else lines)


def task_line(task: Task, *, longest: int = LONGEST_TITLE) -> str:
    """Return a task on one line; its words and its person's name are cut at ``longest``."""
    label = shown(task.label, longest=longest)
    whose = f" — {shown(task.assignee, longest=longest)}" if task.assignee else ""
    words = f"~~{label}~~" if task.is_done else label
    return f"{'✅' if task.is_done else '⬜'} **{task.number}** {words}{whose}"


def checklist_text(project: Project, tasks: Sequence[Task]) -> str:
    """Return a project's tasks, so short that one message holds up to 20."""
    head = project_line(project)
    if not tasks:
        return f"{head}\nThere are no tasks; /project checklist add adds one."
    for longest in _WIDTHS:
        text = "\n".join([head, *(task_line(task, longest=longest) for task in tasks)])
        if len(text) <= _LONGEST_LIST:
            break
    return text


def checklist_row(project: Project, tasks: Sequence[Task], *, page: int) -> discord.ui.View:
    """Return a button per task, for up to 20; clicks on them are found by their ids."""
    view = discord.ui.View(timeout=None)
    for task in tasks:
        view.add_item(
            discord.ui.Button(
                custom_id=f"acore:task:{project.number}:{task.number}:{page}",
                label=str(task.number),
                emoji="✅" if task.is_done else "⬜",
                style=discord.ButtonStyle.success
                if task.is_done
                else discord.ButtonStyle.secondary,
            )
        )
    view.stop()
    return view


def note_text(note: Note) -> str:
    """Return a note with who wrote it when."""
    text = shown(note.content, longest=LONGEST_NOTE)
    return f"{text}\n-# {shown(note.author_name)}, {moment(note.created_at)}"


def idea_text(idea: Idea) -> str:
    """Return an idea."""
    used = f" → project {idea.used_project}" if idea.used_project else ""
    more = f"\n-# {shown(idea.description, longest=LONGEST_DESCRIPTION)}"
    return f"💡 **{idea.number}** {shown(idea.title)}{used}{more if idea.description else ''}"


def week_text(week: WeekStart) -> str:
    """Return the beginning of a week."""
    return "\n".join(
        [
            f"**Week {week.week} of {week.year}**",
            *(map(project_line, week.projects) if week.projects else ["No project is active."]),
            "**Ideas**",
            *(map(idea_text, week.ideas) if week.ideas else ["There are none; /idea add."]),
        ]
    )


def retrospective_text(back: Retrospective) -> str:
    """Return a look back at a week."""
    blocks = [f"**Looking back at week {back.week}**"]
    blocks += map(_project_week, back.projects)
    if not back.projects:
        blocks.append("No project is active.")
    if back.summary:
        blocks.append(f"> {shown(back.summary, longest=700)}")
    blocks.append("\n".join(f"- {question}" for question in REFLECTIONS))
    return "\n".join(blocks)


def summary_text(summary: WeekSummary) -> str:
    """Return what happened within seven days."""
    return "\n".join(
        [
            "**The last seven days**",
            f"Projects started: {summary.started}, finished: {summary.finished}; "
            f"new ideas: {summary.ideas}",
            f"Tasks done: {len(summary.done)}",
            *map(task_line, summary.done),
        ]
    )


def _project_week(one: ProjectWeek) -> str:
    tasks = [*map(task_line, one.done), *map(task_line, one.left)]
    return "\n".join([project_line(one.project), one.bar, *tasks])
