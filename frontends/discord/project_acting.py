"""What the commands about projects and tasks do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord.asking import answer, asked
from frontends.discord.choosing import MOST
from frontends.discord.model_views import ModelViews
from frontends.discord.paging import bundled, show_pages
from frontends.discord.places import author_of
from frontends.discord.posting import translated
from frontends.discord.project_asking import asker_from, asker_of
from frontends.discord.project_forms import ProjectForm
from frontends.discord.project_views import (
    checklist_row,
    checklist_text,
    note_text,
    outcome_text,
    project_line,
    project_text,
    task_line,
)
from frontends.discord.status_views import model_text
from services.domain.errors import AcoreError
from services.projects.projects import PAGE
from services.projects.records import Status
from services.projects.rules import Asker
from services.projects.service import ProjectServices

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Numbers = list[app_commands.Choice[int]]

_LONGEST_CHOICE = 100


class ProjectActing:
    """Runs commands for whoever uses them; raises what the services raise."""

    def __init__(self, services: ProjectServices) -> None:
        self._services = services

    async def start(self, interaction: Interaction, *, checklist: bool) -> None:
        """Open the form for a project."""
        (await asker_from(interaction)).need_member()
        async with translated():
            await interaction.response.send_modal(ProjectForm(self._services, checklist=checklist))

    async def status(self, interaction: Interaction, status: Status | None, page: int) -> None:
        """List projects."""
        found = await self._services.projects.listed(
            await asker_from(interaction), status, page=page
        )
        lines = [project_line(one) for one in found.projects]
        if found.total > page * PAGE:
            lines.append(f"-# {found.total} in all; page {page + 1} has the next.")
        nothing = ["There are no such projects; /project start begins one."]
        await show_pages(interaction, bundled(lines) or nothing, private=False)

    async def info(self, interaction: Interaction, number: int) -> None:
        """Show a project with its first tasks."""
        asker = await asker_from(interaction)
        project = await self._services.projects.info(asker, number)
        tasks = await self._services.tasks.of(asker, number)
        await answer(interaction, project_text(project, tasks), private=False)

    async def move(self, interaction: Interaction, number: int, to: Status) -> None:
        """Put a project away, or take it up again."""
        asker = await asker_from(interaction)
        async with translated():
            await interaction.response.defer()
        outcome = await self._services.projects.move(asker, number, to)
        await answer(interaction, outcome_text(outcome, f"It is {to} now."), private=False)

    async def note(self, interaction: Interaction, number: int, text: str | None) -> None:
        """Write a note on a project, or show those there are."""
        asker, notes = await asker_from(interaction), self._services.notes
        if text:
            await answer(interaction, note_text(await notes.add(asker, "project", number, text)))
            return
        found = [note_text(one) for one in await notes.of(asker, "project", number)]
        await show_pages(interaction, bundled(found) or ["There are no notes."])

    async def add_task(self, interaction: Interaction, project: int, label: str) -> None:
        """Add a task."""
        task = await self._services.tasks.add(await asker_from(interaction), project, label)
        await answer(interaction, task_line(task), private=False)

    async def list_tasks(self, interaction: Interaction, project: int, page: int) -> None:
        """Show a page of tasks with a button each."""
        asker = await asker_from(interaction)
        found = await self._services.projects.info(asker, project)
        tasks = await self._services.tasks.of(asker, project, page=page)
        row = checklist_row(found, tasks, page=page) if tasks else None
        await answer(interaction, checklist_text(found, tasks), private=False, view=row)

    async def toggle_task(self, interaction: Interaction, number: int) -> None:
        """Tick a task."""
        task = await self._services.tasks.toggle(await asker_from(interaction), number)
        await answer(interaction, task_line(task), private=False)

    async def remove_task(self, interaction: Interaction, number: int) -> None:
        """Delete a task."""
        task = await self._services.tasks.remove(await asker_from(interaction), number)
        await answer(interaction, f"Deleted: {task_line(task)}", private=False)

    async def assign_task(
        self, interaction: Interaction, number: int, member: discord.Member | None
    ) -> None:
        """Give a task to somebody, or to nobody."""
        asker, tasks = await asker_from(interaction), self._services.tasks
        if member is None:
            task = await tasks.unassign(asker, number)
        else:
            whom = author_of(member)
            await interaction.client.services.arrivals().note(whom)
            task = await tasks.assign(asker, number, whom.id)
        await answer(interaction, task_line(task), private=False)

    async def brrr(self, interaction: Interaction) -> None:
        """Show that everything runs."""
        who, bot = await asked(interaction), interaction.client
        async with translated():
            await interaction.response.defer()
        active = await self._services.projects.listed(asker_of(who), Status.ACTIVE)
        model = await bot.services.conversations().model_of(who.conversation)
        lines = [
            "Brrr! 🏎️",
            f"**Latency** {bot.latency * 1000:.0f} ms",
            f"**Servers** {len(bot.guilds)}",
            f"**Model** {await model_text(ModelViews(bot.services.models()), model)}",
            f"**Active projects** {active.total}",
        ]
        await answer(interaction, "\n".join(lines), private=False)

    async def projects_offered(
        self, interaction: Interaction, typed: str, status: Status | None = None
    ) -> Numbers:
        """Offer projects by number and title."""
        asker = await _asker_typing(interaction)
        if asker is None:
            return []
        found = await self._services.projects.listed(asker, status)
        return numbers(typed, [(one.number, one.title) for one in found.projects])

    async def tasks_offered(self, interaction: Interaction, typed: str) -> Numbers:
        """Offer the tasks of active projects by number and label."""
        asker = await _asker_typing(interaction)
        if asker is None:
            return []
        named = await self._services.tasks.recent(asker)
        return numbers(typed, [(one.number, one.label) for one in named])


async def _asker_typing(interaction: Interaction) -> Asker | None:
    try:
        return asker_of(await asked(interaction))
    except AcoreError:
        return None


def numbers(typed: str, named: list[tuple[int, str]]) -> Numbers:
    """Return what fits ``typed``: what begins with it first, then what holds it, 25 at most."""
    wanted = str(typed).strip().casefold()
    fitting = [
        (not (str(number).startswith(wanted) or title.casefold().startswith(wanted)), number, title)
        for number, title in named
        if wanted in f"{number} {title}".casefold()
    ]
    return [
        app_commands.Choice(name=f"{number}: {title}"[:_LONGEST_CHOICE], value=number)
        for _, number, title in sorted(fitting, key=lambda one: one[0])
    ][:MOST]
