"""Commands about projects, tasks, ideas and weeks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from frontends.console.project_text import (
    idea_fields,
    project_fields,
    retrospective_lines,
    summary_lines,
    task_fields,
    week_lines,
)
from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.projects.note_rows import Of
from services.projects.projects import NewProject, Outcome
from services.projects.records import Idea, Status, Task
from services.projects.rules import Asker
from services.projects.texts import idea_line, note_line, project_line, project_lines, task_line

if TYPE_CHECKING:
    from frontends.console.talk import Talk

Action = Callable[["Talk", str], Awaitable[None]]

_LONGEST_NUMBER = 9
_USAGE = {
    "project": "Write /project start TITLE, list [active|archived|completed], info ID, "
    "archive ID [completed|active] or note ID [TEXT]; checklist ID has a plan proposed.",
    "task": "Write /task add PROJECT WHAT, list PROJECT, toggle ID, delete ID, assign ID WHO, "
    "unassign ID, mine or note ID [TEXT].",
    "idea": "Write /idea add TITLE, list, pick ID, random or delete ID.",
    "week": "Write /week start, retro or summary.",
}


async def _start(talk: Talk, rest: str) -> None:
    title, _, description = rest.partition("\n")
    new = NewProject(title=title, description=description)
    _outcome(talk, await talk.projects.projects.start(_asker(talk), new))


async def _projects(talk: Talk, rest: str) -> None:
    status = _status(rest, "project") if rest else None
    found = await talk.projects.projects.listed(_asker(talk), status)
    lines = [project_line(one) for one in found.projects]
    if found.total > len(lines):
        lines.append(f"{found.total} in all; the newest are shown.")
    fields = {"projects": [project_fields(one) for one in found.projects], "total": found.total}
    _report(
        talk, "projects", lines or ["There are no projects; /project start begins one."], fields
    )


async def _info(talk: Talk, rest: str) -> None:
    asker, number = _asker(talk), _number(rest, "project")
    project = await talk.projects.projects.info(asker, number)
    tasks = await talk.projects.tasks.of(asker, number)
    fields = project_fields(project) | {"tasks": [task_fields(one) for one in tasks]}
    _report(talk, "project", [*project_lines(project), *map(task_line, tasks)], fields)


async def _archive(talk: Talk, rest: str) -> None:
    number, _, outcome = rest.partition(" ")
    status = _status(outcome, "project") if outcome else Status.ARCHIVED
    moved = await talk.projects.projects.move(_asker(talk), _number(number, "project"), status)
    _outcome(talk, moved)


async def _checklist(talk: Talk, rest: str) -> None:
    asker = _asker(talk)
    project = await talk.projects.projects.info(asker, _number(rest, "project"))
    tasks = await talk.projects.planner.checklist(project, tenant=asker.place)
    lines = [f"/task add {project.number} {task}" for task in tasks]
    nothing = ["The model proposed nothing; try again later."]
    _report(talk, "checklist", lines or nothing, {"tasks": list(tasks)})


async def _project_note(talk: Talk, rest: str) -> None:
    await _note(talk, "project", rest)


async def _task_note(talk: Talk, rest: str) -> None:
    await _note(talk, "task", rest)


async def _note(talk: Talk, of: Of, rest: str) -> None:
    number, _, text = rest.partition(" ")
    asker, wanted = _asker(talk), _number(number, of)
    if text.strip():
        notes = [await talk.projects.notes.add(asker, of, wanted, text)]
    else:
        notes = list(await talk.projects.notes.of(asker, of, wanted))
    lines = [note_line(one) for one in notes]
    fields = {"notes": [{"number": one.number, "content": one.content} for one in notes]}
    _report(talk, "notes", lines or ["There are no notes."], fields)


async def _add_task(talk: Talk, rest: str) -> None:
    project, _, label = rest.partition(" ")
    _task(talk, await talk.projects.tasks.add(_asker(talk), _number(project, "task"), label))


async def _list_tasks(talk: Talk, rest: str) -> None:
    _tasks(talk, await talk.projects.tasks.of(_asker(talk), _number(rest, "task")))


async def _toggle(talk: Talk, rest: str) -> None:
    _task(talk, await talk.projects.tasks.toggle(_asker(talk), _number(rest, "task")))


async def _delete_task(talk: Talk, rest: str) -> None:
    gone = await talk.projects.tasks.remove(_asker(talk), _number(rest, "task"))
    _report(talk, "task_deleted", [f"Deleted: {task_line(gone)}"], task_fields(gone))


async def _assign(talk: Talk, rest: str) -> None:
    number, _, who = rest.partition(" ")
    chosen = who.strip() or "me"
    _task(talk, await talk.projects.tasks.assign(_asker(talk), _number(number, "task"), chosen))


async def _unassign(talk: Talk, rest: str) -> None:
    _task(talk, await talk.projects.tasks.unassign(_asker(talk), _number(rest, "task")))


async def _mine(talk: Talk, _rest: str) -> None:
    _tasks(talk, await talk.projects.tasks.for_person(_asker(talk)))


async def _add_idea(talk: Talk, rest: str) -> None:
    title, _, description = rest.partition("\n")
    _ideas(talk, [await talk.projects.ideas.add(_asker(talk), title, description)])


async def _list_ideas(talk: Talk, _rest: str) -> None:
    _ideas(talk, await talk.projects.ideas.listed(_asker(talk)))


async def _pick(talk: Talk, rest: str) -> None:
    _outcome(talk, await talk.projects.ideas.pick(_asker(talk), _number(rest, "idea")))


async def _random(talk: Talk, _rest: str) -> None:
    _ideas(talk, [await talk.projects.ideas.random(_asker(talk))])


async def _delete_idea(talk: Talk, rest: str) -> None:
    gone = await talk.projects.ideas.remove(_asker(talk), _number(rest, "idea"))
    _report(talk, "idea_deleted", [f"Deleted: {idea_line(gone)}"], idea_fields(gone))


async def _week_start(talk: Talk, _rest: str) -> None:
    zone = await talk.timezones.of(talk.author.id) or ""
    week = await talk.projects.weeks.start(_asker(talk), timezone=zone)
    _report(talk, "week", week_lines(week), {"year": week.year, "week": week.week})


async def _retro(talk: Talk, _rest: str) -> None:
    zone = await talk.timezones.of(talk.author.id) or ""
    back = await talk.projects.weeks.retrospective(_asker(talk), timezone=zone)
    fields = {"week": back.week, "summary": back.summary}
    _report(talk, "retrospective", retrospective_lines(back), fields)


async def _summary(talk: Talk, _rest: str) -> None:
    summary = await talk.projects.weeks.summary(_asker(talk))
    fields = {
        "done": [task_fields(one) for one in summary.done],
        "started": summary.started,
        "finished": summary.finished,
        "ideas": summary.ideas,
    }
    _report(talk, "week_summary", summary_lines(summary), fields)


def _asker(talk: Talk) -> Asker:
    return Asker(author=talk.author, role=talk.role, conversation=talk.conversation)


def _number(text: str, of: str) -> int:
    digits = text.strip().removeprefix("#")
    if not digits.isdecimal() or len(digits) > _LONGEST_NUMBER:
        raise InvalidRequest(f"{of}_usage", _USAGE[of])
    return int(digits)


def _status(text: str, of: str) -> Status:
    try:
        return Status(text.strip().lower())
    except ValueError:
        raise InvalidRequest(f"{of}_usage", _USAGE[of]) from None


def _outcome(talk: Talk, outcome: Outcome) -> None:
    lines = project_lines(outcome.project)
    if outcome.trouble:
        lines.append(outcome.trouble)
    _report(talk, "project", lines, project_fields(outcome.project))


def _task(talk: Talk, task: Task) -> None:
    _report(talk, "task", [task_line(task)], task_fields(task))


def _tasks(talk: Talk, tasks: Sequence[Task]) -> None:
    fields = {"tasks": [task_fields(one) for one in tasks]}
    _report(talk, "tasks", [task_line(one) for one in tasks] or ["There are no tasks."], fields)


def _ideas(talk: Talk, ideas: Sequence[Idea]) -> None:
    fields = {"ideas": [idea_fields(one) for one in ideas]}
    _report(talk, "ideas", [idea_line(one) for one in ideas] or ["There are no ideas."], fields)


def _report(talk: Talk, kind: str, lines: list[str], fields: Mapping[str, object]) -> None:
    talk.view.report(Report(kind=kind, lines=lines, fields=fields))


def _choosing(name: str, actions: Mapping[str, Action], usual: str) -> Action:
    async def perform(talk: Talk, argument: str) -> None:
        word, _, rest = argument.strip().partition(" ")
        action = actions.get(word.lower() or usual)
        if action is None:
            raise InvalidRequest(f"{name}_usage", _USAGE[name])
        await action(talk, rest.strip())

    return perform


_PROJECT: Mapping[str, Action] = {
    "start": _start,
    "list": _projects,
    "info": _info,
    "archive": _archive,
    "checklist": _checklist,
    "note": _project_note,
}
_TASK: Mapping[str, Action] = {
    "add": _add_task,
    "list": _list_tasks,
    "toggle": _toggle,
    "delete": _delete_task,
    "assign": _assign,
    "unassign": _unassign,
    "mine": _mine,
    "note": _task_note,
}
_IDEA: Mapping[str, Action] = {
    "add": _add_idea,
    "list": _list_ideas,
    "pick": _pick,
    "random": _random,
    "delete": _delete_idea,
}
_WEEK: Mapping[str, Action] = {"start": _week_start, "retro": _retro, "summary": _summary}

PROJECT_COMMANDS = (
    SlashCommand(
        name="project",
        argument="[start|list|info|archive|checklist|note ...]",
        summary="Begin projects, see how far they are, put them away.",
        perform=_choosing("project", _PROJECT, "list"),
    ),
    SlashCommand(
        name="task",
        argument="[add|list|toggle|delete|assign|unassign|mine|note ...]",
        summary="What is to be done in a project, and by whom.",
        perform=_choosing("task", _TASK, "mine"),
    ),
    SlashCommand(
        name="idea",
        argument="[add|list|pick|random|delete ...]",
        summary="Keep ideas, and make projects of them.",
        perform=_choosing("idea", _IDEA, "list"),
    ),
    SlashCommand(
        name="week",
        argument="[start|retro|summary]",
        summary="How a week begins, and what came of it.",
        perform=_choosing("week", _WEEK, "start"),
    ),
)
"""The commands, in the order help shows them."""
